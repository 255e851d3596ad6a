"""Blocking: an overlay that refuses every call of a routed version for a while, whatever state it is in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from apis.lifecycle import overlay_moves
from apis.models import ApiVersion
from apis.services.announcements import tell_users
from apis.services.moves import require_move
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict, Invalid
from teams.models import User
from teams.services.audit import record_audit


def block_version(*, version: ApiVersion, actor: User, reason: str, until: datetime | None = None) -> ApiVersion:
    """Refuse every call with 503 and the reason; `until` becomes Retry-After and lifts nothing by itself."""
    require_move(version=version, name="block", actor=actor)
    errors = []
    if not reason.strip():
        errors.append({"detail": "Give the reason: callers read it.", "pointer": "/reason"})
    if until is not None and until <= now():
        errors.append({"detail": f"{until:%Y-%m-%d %H:%M} UTC lies in the past.", "pointer": "/until"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    return _set(version, actor, "block", is_blocked=True, blocked_reason=reason.strip()[:500], blocked_until=until)


def lift_block(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Serve calls again, in the state the version is in."""
    require_move(version=version, name="lift_block", actor=actor)
    return _set(version, actor, "lift_block", is_blocked=False, blocked_reason="", blocked_until=None)


def _tell(version: ApiVersion) -> None:
    if version.is_blocked:
        back = f" Expected back {version.blocked_until:%-d %B %Y %H:%M} UTC." if version.blocked_until else ""
        title, text, icon = f"{version} is blocked", f"Calls get 503: {version.blocked_reason}{back}", "ban"
    else:
        title, text, icon = f"{version} is served again", "The block was lifted.", "circle-check"
    told = "version.blocked" if version.is_blocked else "version.block_lifted"
    tell_users(version, type=told, title=title, text=text, icon=icon)


def _set(version: ApiVersion, actor: User, name: str, **fields: Any) -> ApiVersion:
    if not any(move.name == name for move in overlay_moves(version.state, is_blocked=version.is_blocked)):
        what = "blocked already" if version.is_blocked else "not blocked"
        raise Conflict(f"{version} is {what}.", code="move-not-possible", state=version.state)
    with transaction.atomic():
        rows = ApiVersion.objects.filter(pk=version.pk, state=version.state, is_blocked=version.is_blocked)
        if rows.update(row_version=F("row_version") + 1, **fields) != 1:
            raise Conflict(f"Somebody moved {version} meanwhile.", code="move-lost")
        version.refresh_from_db()
        record_audit(
            actor=actor, verb=f"version.{name}", target=version, team=version.api.team,
            after={"is_blocked": version.is_blocked}, reason=version.blocked_reason,
        )  # fmt: skip
        version_changed.send(sender=ApiVersion, version=version)
        _tell(version)
    return version
