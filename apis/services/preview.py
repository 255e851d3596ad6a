"""Previews: a version that chosen applications call before it is published."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from apis.guards import failing_guards, working_revision
from apis.lifecycle import path_guards, preview_path, why_not
from apis.models import ApiVersion, Deployment, Revision
from apis.selectors.versions import current_revision
from apis.services.moves import lock_version, move_revision, move_version, require_move
from apis.services.publishing import first_release, walk
from apis.services.releases import PRODUCTION
from apis.services.revisions import copy_revision
from apis.services.subscriptions import end_subscriptions
from apis.signals import version_changed
from common.errors import Conflict, Invalid
from teams.models import Application, User
from teams.roles import require_permission
from teams.services.audit import record_audit


def start_preview(*, version: ApiVersion, actor: User, applications: Collection[Application]) -> ApiVersion:
    """Route a version for the listed applications alone; they subscribe to it as to any other.

    Where the team asks for no approval this walks every move from the draft on.
    """
    team = version.api.team
    require_permission(actor=actor, team=team, permission="apis.publish", what="start a preview")
    _require_some(applications)
    path = preview_path(version.state, team.required_approvals)
    if not path:
        reason = why_not("preview", version.state)
        raise Conflict(f"{version} cannot be previewed. {reason}", code="move-not-possible", state=version.state)
    reasons = failing_guards(path_guards(path), version, actor)
    if reasons:
        raise Conflict(" ".join(reasons), code="guard-failed", reasons=reasons, state=version.state)
    with transaction.atomic():
        walk(version, path, actor)
        first_release(version, actor)
        version.preview_applications.set(applications)
        _record_listed(version, actor, applications)
        version_changed.send(sender=ApiVersion, version=version)
    return version


def list_for_preview(*, version: ApiVersion, actor: User, applications: Collection[Application]) -> ApiVersion:
    """Change which applications may call a preview; the subscriptions of those taken off end."""
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="change a preview")
    _require_preview(version)
    _require_some(applications)
    with transaction.atomic():
        _require_preview(lock_version(version))
        version.preview_applications.set(applications)
        _record_listed(version, actor, applications)
        gone = version.subscriptions.exclude(application__in=applications)
        end_subscriptions(gone, reason="The application was taken off the preview.")
        version_changed.send(sender=ApiVersion, version=version)
    return version


def end_preview(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Take a preview back to draft: production answers 404, its subscriptions end, work goes on in a copy."""
    move = require_move(version=version, name="end_preview", actor=actor)
    working = working_revision(version)
    if working is not None and working.state != Revision.State.DRAFT:
        detail = f"Revision {working.number} is {working.get_state_display().lower()}: take it back to draft first."
        raise Conflict(detail, code="guard-failed", reasons=[detail], state=version.state)
    with transaction.atomic():
        current = current_revision(version)
        move_version(version=version, move=move, actor=actor)
        Deployment.objects.filter(version=version, environment__slug=PRODUCTION).delete()
        if current is not None:
            move_revision(revision=current, name="supersede", actor=actor)
            # A draft that was begun meanwhile is where work goes on.
            if working is None:
                copy_revision(revision=current, version=version, author=current.author)
        end_subscriptions(version.subscriptions.all(), reason="The preview ended.")
        version.preview_applications.clear()
        version_changed.send(sender=ApiVersion, version=version)
    return version


def _require_preview(version: ApiVersion) -> None:
    if version.state != ApiVersion.State.PREVIEW:
        raise Conflict(f"{version} is not in preview.", code="move-not-possible", state=version.state)


def _require_some(applications: Collection[Application]) -> None:
    if not applications:
        detail = "Name at least one application that may call it."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/applications"}])


def _record_listed(version: ApiVersion, actor: User, applications: Collection[Application]) -> None:
    record_audit(
        actor=actor, verb="version.list_for_preview", target=version, team=version.api.team,
        after={"applications": sorted(application.name for application in applications)},
    )  # fmt: skip
