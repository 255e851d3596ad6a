"""Deprecation: dates and headers on a published version, and the way back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apis.models import ApiVersion
from apis.selectors.versions import impact_of
from apis.selectors.visibility import visible_versions
from apis.services.farewell import end_farewell, start_farewell
from apis.services.moves import lock_version, move_version, require_move
from apis.signals import version_changed
from common.clock import now
from common.errors import Invalid
from teams.models import User


def deprecate_version(
    *, version: ApiVersion, sunset_at: datetime, actor: User, reason: str = "", successor: ApiVersion | None = None
) -> ApiVersion:
    """Deprecate a published version: every response carries the dates, new subscriptions are refused.

    The sunset keeps the team's minimum notice; a successor or a reason is needed. Raise Invalid per wrong value.
    """
    move = require_move(version=version, name="deprecate", actor=actor)
    moment = now()
    errors = _date_problems(version, sunset_at, moment) + _successor_problems(version, successor, reason, actor)
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    changes = {
        "deprecated_at": moment,
        "sunset_at": sunset_at,
        "deprecation_reason": reason.strip()[:500],
        "successor": successor,
    }
    with transaction.atomic():
        # Who subscribes at this very moment counts, or is refused.
        lock_version(version)
        impact = impact_of(version)
        changes_seen = (
            f"Applications: {impact.applications}, calls in 30 days: {impact.calls_30_days:,}. {reason}".strip()
        )
        move_version(version=version, move=move, actor=actor, reason=changes_seen, changes=changes)
        version_changed.send(sender=ApiVersion, version=version)
        start_farewell(version)
    return version


def undo_deprecation(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Take a deprecation back before its sunset: the headers go, new subscriptions are accepted again."""
    move = require_move(version=version, name="undo_deprecation", actor=actor)
    changes = {"deprecated_at": None, "sunset_at": None, "deprecation_reason": "", "successor": None}
    with transaction.atomic():
        move_version(version=version, move=move, actor=actor, changes=changes)
        end_farewell(version)
        version_changed.send(sender=ApiVersion, version=version)
    return version


def earliest_sunset(version: ApiVersion, moment: datetime) -> datetime:
    """Return the first sunset that keeps the minimum notice of the version's team."""
    return moment + timedelta(days=version.api.team.minimum_notice_days)


def _date_problems(version: ApiVersion, sunset_at: datetime, moment: datetime) -> list[dict[str, Any]]:
    if sunset_at.tzinfo is None:
        return [{"detail": "The sunset needs a time zone.", "pointer": "/sunset_at"}]
    if sunset_at < moment:
        detail = f"The sunset {sunset_at:%Y-%m-%d %H:%M} UTC lies before the deprecation, which is now."
        return [{"detail": detail, "pointer": "/sunset_at"}]
    earliest = earliest_sunset(version, moment)
    # Whole days are promised: a sunset chosen by date may be some hours short of the exact moment.
    if sunset_at.date() < earliest.date():
        team = version.api.team
        detail = (
            f"The sunset {sunset_at:%Y-%m-%d} gives less than the {team.minimum_notice_days} days' notice of "
            f"{team.name}: {earliest:%Y-%m-%d} is the earliest."
        )
        return [{"detail": detail, "pointer": "/sunset_at"}]
    return []


def _successor_problems(
    version: ApiVersion, successor: ApiVersion | None, reason: str, actor: User
) -> list[dict[str, Any]]:
    if successor is None:
        if reason.strip():
            return []
        return [{"detail": "Name a successor, or give a reason.", "pointer": "/reason"}]
    is_known = visible_versions(actor).filter(pk=successor.pk).exists()
    if successor.pk == version.pk or not is_known or successor.state != ApiVersion.State.PUBLISHED:
        return [{"detail": "The successor must be another published version.", "pointer": "/successor"}]
    return []
