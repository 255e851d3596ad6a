"""Publication: one transaction makes a version visible and points production at its revision."""

from __future__ import annotations

from django.db import transaction

from apis.guards import failing_guards
from apis.lifecycle import ROUTED, VERSION_STATES, Move, path_guards, publication_path, why_not
from apis.models import ApiVersion, Release, Revision
from apis.selectors.gate import changes_between
from apis.selectors.versions import current_revision, previous_version
from apis.services.catalog import refresh_entry
from apis.services.moves import move_revision, move_version
from apis.services.releases import deploy
from apis.services.reviews import require_working_revision
from apis.services.subscriptions import end_subscriptions
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict
from teams.models import User
from teams.roles import require_permission


def publish_version(*, version: ApiVersion, actor: User, revision: Revision | None = None) -> ApiVersion:
    """Publish a version; where the team asks for no approval this walks every move from the draft on.

    `revision`, when given, must be the one that would become current. Raise Conflict with the reason otherwise.
    """
    path = require_publishable(version=version, actor=actor)
    with transaction.atomic():
        was_preview = version.state == ApiVersion.State.PREVIEW
        walk(version, path, actor)
        if was_preview:
            require_meant(revision, current_revision(version))
            # What was previewed is published as it is; a preview's subscriptions end with it.
            end_subscriptions(version.subscriptions.all(), reason="The preview ended: the version is published.")
            version.preview_applications.clear()
            refresh_entry(version.api)
        else:
            first_release(version, actor, expected=revision)
        version_changed.send(sender=ApiVersion, version=version)
    return version


def require_publishable(*, version: ApiVersion, actor: User) -> tuple[Move, ...]:
    """Return the moves that publish a version; raise without the role, or Conflict with what stands against it."""
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="publish this version")
    path = publication_path(version.state, version.api.team.required_approvals)
    if not path:
        raise _not_yet(version)
    reasons = failing_guards(path_guards(path), version, actor)
    if reasons:
        raise Conflict(" ".join(reasons), code="guard-failed", reasons=reasons, state=version.state)
    return path


def walk(version: ApiVersion, path: tuple[Move, ...], actor: User) -> None:
    """Make the moves of a path that one person walks, each with its revision's."""
    for move in path:
        _step(version, move, actor)


def _step(version: ApiVersion, move: Move, actor: User) -> None:
    changes = {"published_at": now()} if move.target == ApiVersion.State.PUBLISHED else {}
    if move.name == "submit":
        move_version(version=version, move=move, actor=actor)
        move_revision(revision=require_working_revision(version), name="submit", actor=actor, submitted_at=now())
    else:
        move_version(version=version, move=move, actor=actor, changes=changes)
        if move.name == "approve":
            move_revision(revision=require_working_revision(version), name="approve", actor=actor)


def first_release(version: ApiVersion, actor: User, *, expected: Revision | None = None) -> None:
    """Make the approved revision current; its release tells what changed since the version before it."""
    revision = require_working_revision(version)
    require_meant(expected, revision)
    before = previous_version(version)
    earlier = current_revision(before) if before is not None else None
    findings = changes_between(earlier, revision) if earlier is not None else []
    deploy(revision=revision, actor=actor, kind=Release.Kind.FIRST, findings=findings)


def require_meant(expected: Revision | None, revision: Revision | None) -> None:
    """Raise Conflict where another revision than the expected one would be published."""
    if expected is not None and revision is not None and expected.pk != revision.pk:
        raise Conflict(
            f"Revision {expected.number} is not the one to publish: it is revision {revision.number} now.",
            code="move-lost",
        )


def _not_yet(version: ApiVersion) -> Conflict:
    state = VERSION_STATES[version.state].label.lower()
    if version.state in {"draft", "in_review"}:
        needed = version.api.team.required_approvals
        persons = "one other person" if needed == 1 else f"{needed} other persons"
        detail = f"{version} is {state}: {persons} of {version.api.team.name} must approve it first."
    elif version.state in ROUTED:
        detail = f"{version} is {state} already. To change it edit it, and release the revision."
    else:
        detail = f"{version} cannot be published. {why_not('publish', version.state)}"
    return Conflict(detail, code="move-not-possible", state=version.state)
