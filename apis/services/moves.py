"""One step of a lifecycle: the row moves from the state it was seen in, or somebody else was faster."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from apis.guards import failing_guards
from apis.lifecycle import REVISION_MOVES, VERSION_STATES, Move, find_move, role_of, why_not
from apis.models import ApiVersion, Revision, Transition
from common.clock import now
from common.errors import Conflict
from teams.models import Role, User
from teams.roles import require_role
from teams.services.audit import record_audit

MOVED_MEANWHILE = "move-lost"


def require_move(*, version: ApiVersion, name: str, actor: User) -> Move:
    """Return the move; raise NotFound or NotAllowed without its role, Conflict with the table's or a guard's reason."""
    move = find_move(name, version.state)
    role = Role(role_of(name))
    require_role(actor=actor, team=version.api.team, role=role, what=f"{name.replace('_', ' ')} this version")
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


def move_revision(*, revision: Revision, name: str, actor: User | None, **changes: Any) -> None:
    """Carry out one move of a revision; raise Conflict when it is no longer where the move starts."""
    move = find_move(name, revision.state, REVISION_MOVES)
    if move is None or not move.is_built:
        reason = move.unbuilt_reason if move else f"Revision {revision.number} is {revision.state.replace('_', ' ')}."
        raise Conflict(reason, code="move-not-possible", state=revision.state)
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


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return getattr(value, "public_id", value)
