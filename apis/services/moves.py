"""One step of a lifecycle: the row moves from the state it was seen in, or somebody else was faster."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from apis.guards import failing_guards
from apis.lifecycle import (
    MIRRORED,
    REVISION_MOVES,
    REVISION_STATES,
    VERSION_STATES,
    Move,
    find_move,
    permission_of,
    why_not,
)
from apis.models import ApiVersion, Revision, Transition
from apis.services.catalog import refresh_entry, refresh_listing
from common.clock import now
from common.errors import Conflict
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

MOVED_MEANWHILE = "move-lost"


def lock_version(version: ApiVersion) -> ApiVersion:
    """Return a version as it stands now, and keep it so until the transaction ends.

    Who changes what belongs to a version (its revisions, subscriptions, deployments, the catalog's entry) locks the
    version first: so two meet here, the later one sees what the earlier wrote, and none waits for another in a circle.
    """
    rows = ApiVersion.objects.select_for_update(of=("self",), no_key=True).select_related("api__team", "successor")
    return rows.get(pk=version.pk)


def require_move(*, version: ApiVersion, name: str, actor: User) -> Move:
    """Return the move; raise NotFound or NotAllowed without its role, Conflict with the table's or a guard's reason."""
    move = find_move(name, version.state)
    what = f"{name.replace('_', ' ')} this version"
    require_permission(actor=actor, team=version.api.team, permission=permission_of(name), what=what)
    reason = why_not(name, version.state)
    if reason or move is None:
        raise Conflict(f"{version} cannot be moved. {reason}", code="move-not-possible", state=version.state)
    reasons = failing_guards(move.guards, version, actor)
    if reasons:
        raise Conflict(" ".join(reasons), code="guard-failed", reasons=reasons, state=version.state)
    return move


def move_version(
    *, version: ApiVersion, move: Move, actor: User | None, reason: str = "", changes: dict[str, Any] | None = None
) -> None:
    """Carry out one move: state and given fields change, the transition and the audit entry are written.

    Raise Conflict when the row is no longer in the state the move starts from.
    """
    before = {"state": move.source, **{name: _plain(getattr(version, name)) for name in changes or {}}}
    moved = ApiVersion.objects.filter(pk=version.pk, state=move.source).update(
        state=move.target, row_version=F("row_version") + 1, **(changes or {})
    )
    if moved != 1:
        version.refresh_from_db()
        raise Conflict(
            f"Somebody moved {version} meanwhile: it is {VERSION_STATES[version.state].label.lower()} now.",
            code=MOVED_MEANWHILE,
            state=version.state,
        )
    version.refresh_from_db()
    # A tombstone's operations are not found any more; what becomes current is found by its deployment.
    (refresh_entry if move.name in {"retire", "restore"} else refresh_listing)(version.api)
    Transition.objects.create(
        version=version, from_state=move.source, to_state=move.target, move=move.name, reason=reason[:500], actor=actor
    )
    record_audit(
        actor=actor,
        verb=f"version.{move.name}",
        target=version,
        team=version.api.team,
        before=before,
        after={"state": move.target, **{name: _plain(value) for name, value in (changes or {}).items()}},
        reason=reason,
    )


def require_revision_move(*, revision: Revision, name: str, actor: User) -> Move:
    """Return a revision's move; raise as `require_move` does, by the version's rules too while that mirrors it."""
    version = revision.version
    if version.state in MIRRORED:
        require_move(version=version, name=name, actor=actor)
    permission, what = permission_of(name, REVISION_MOVES), f"{name.replace('_', ' ')} a revision"
    require_permission(actor=actor, team=version.api.team, permission=permission, what=what)
    move = _find(revision, name)
    reasons = failing_guards(move.guards, version, actor)
    if reasons:
        raise Conflict(" ".join(reasons), code="guard-failed", reasons=reasons, state=revision.state)
    return move


def advance(*, revision: Revision, name: str, actor: User, reason: str = "", **changes: Any) -> None:
    """Carry out a move of a revision, and of its version while that mirrors it."""
    version = revision.version
    if version.state in MIRRORED and (move := find_move(name, version.state)) is not None:
        move_version(version=version, move=move, actor=actor, reason=reason)
    move_revision(revision=revision, name=name, actor=actor, **changes)


def move_revision(*, revision: Revision, name: str, actor: User | None, **changes: Any) -> None:
    """Carry out one move of a revision; raise Conflict when it is no longer where the move starts."""
    move = _find(revision, name)
    moved = Revision.objects.filter(pk=revision.pk, state=move.source, row_version=revision.row_version).update(
        state=move.target, row_version=F("row_version") + 1, updated_at=now(), **changes
    )
    if moved != 1:
        raise Conflict(f"Somebody changed revision {revision.number} meanwhile. Read it again.", code=MOVED_MEANWHILE)
    revision.refresh_from_db()
    record_audit(
        actor=actor,
        verb=f"revision.{move.name}",
        target=revision,
        team=revision.version.api.team,
        before={"state": move.source},
        after={"state": move.target, "content_hash": revision.content_hash},
    )


def _find(revision: Revision, name: str) -> Move:
    move = find_move(name, revision.state, REVISION_MOVES)
    if move is None:
        label = REVISION_STATES[revision.state].label.lower()
        starts = " or ".join(
            REVISION_STATES[known.source].label.lower() for known in REVISION_MOVES if known.name == name
        )
        detail = f"Revision {revision.number} is {label}; this move starts from {starts}."
        raise Conflict(detail, code="move-not-possible", state=revision.state)
    return move


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return getattr(value, "public_id", value)
