"""Revisions of a version that is served: a working copy beside what is current, its copy, its end."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apis.guards import working_revision
from apis.lifecycle import ROUTED, VERSION_STATES
from apis.models import Api, ApiVersion, Operation, Revision
from apis.selectors.versions import current_revision
from apis.services.moves import lock_version
from apis.signals import version_changed
from common.errors import Conflict
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit


def start_revision(*, version: ApiVersion, actor: User) -> Revision:
    """Return the working copy of a version that is served, made from what is current where there is none."""
    require_permission(actor=actor, team=version.api.team, permission="apis.design", what="edit this design")
    if version.api.kind != Api.Kind.REST:
        raise Conflict("This document is made by Gatehouse: change the prompt.", code="move-not-possible")
    working = working_revision(version)
    if working is not None:
        return working
    current = current_revision(version)
    if version.state not in ROUTED or current is None:
        state = VERSION_STATES[version.state].label.lower()
        raise Conflict(f"{version} is {state}: it takes no further revision.", code="move-not-possible")
    try:
        with transaction.atomic():
            lock_version(version)
            revision = copy_revision(revision=current, version=version, author=actor)
            record_audit(
                actor=actor,
                verb="revision.create",
                target=revision,
                team=version.api.team,
                after={"number": revision.number, "copied_from": current.number},
            )
    except IntegrityError:
        # Somebody else started one at the same moment: it is the one working copy.
        return version.revisions.get(state=Revision.State.DRAFT)
    return revision


def discard_draft(*, revision: Revision, actor: User) -> None:
    """Throw the working copy of a served version away; what is current stays."""
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.design", what="discard this draft")
    if version.state not in ROUTED:
        raise Conflict(f"{version} has nothing but this revision: edit it.", code="move-not-possible")
    with transaction.atomic():
        lock_version(version)
        drafts = Revision.objects.filter(pk=revision.pk, state=Revision.State.DRAFT, row_version=revision.row_version)
        if drafts.select_for_update().first() is None:
            raise Conflict(
                f"Revision {revision.number} is no draft any more, or somebody saved it meanwhile.", code="move-lost"
            )
        record_audit(
            actor=actor,
            verb="revision.discard",
            target=revision,
            team=version.api.team,
            before={"number": revision.number, "content_hash": revision.content_hash},
        )
        drafts.delete()
        version_changed.send(sender=ApiVersion, version=version)


def copy_revision(*, revision: Revision, version: ApiVersion, author: User | None) -> Revision:
    """Write a new draft with the content of another revision."""
    numbers = version.revisions.order_by("-number").values_list("number", flat=True)
    copy = Revision.objects.create(
        version=version,
        number=(numbers.first() or 0) + 1,
        document=revision.document,
        source=revision.source,
        source_format=revision.source_format,
        content_hash=revision.content_hash,
        upstream_url=revision.upstream_url,
        connect_timeout_seconds=revision.connect_timeout_seconds,
        total_timeout_seconds=revision.total_timeout_seconds,
        max_body_bytes=revision.max_body_bytes,
        gateway=revision.gateway,
        lint_score=revision.lint_score,
        lint_errors=revision.lint_errors,
        author=author,
    )
    operations = [
        Operation(
            revision=copy,
            operation_id=row.operation_id,
            method=row.method,
            path=row.path,
            summary=row.summary,
            tags=row.tags,
            is_deprecated=row.is_deprecated,
            position=row.position,
        )
        for row in revision.operations.all()
    ]
    Operation.objects.bulk_create(operations, batch_size=1000)
    if version.state in ROUTED:
        version_changed.send(sender=ApiVersion, version=version)
    return copy
