"""Brownouts: short, announced times in which a deprecated version refuses every call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from apis.models import ApiVersion, Brownout
from apis.services.announcements import tell_users
from apis.services.moves import lock_version
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict, Invalid
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

MOST_MINUTES = 24 * 60
MOST_BROWNOUTS = 20
SOONEST = timedelta(hours=1)


def plan_brownout(*, version: ApiVersion, starts_at: datetime, minutes: int, actor: User) -> Brownout:
    """Plan a time in which a deprecated version refuses every call with 503; its users are told at once.

    It starts within the deprecation, not sooner than an hour from now, and lasts a day at most.
    """
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="plan brownouts")
    _require_deprecated(version)
    ends_at = starts_at + timedelta(minutes=minutes)
    _check_brownout(version, starts_at, ends_at, minutes)
    with transaction.atomic():
        _require_deprecated(lock_version(version))
        if version.brownouts.count() >= MOST_BROWNOUTS:
            raise Conflict(f"{version} has {MOST_BROWNOUTS} brownouts already. Cancel one first.", code="conflict")
        brownout = Brownout.objects.create(version=version, starts_at=starts_at, ends_at=ends_at, planned_by=actor)
        _say(version, "plan_brownout", actor, {"starts_at": starts_at.isoformat(), "minutes": minutes})
        tell_users(
            version, type="version.brownout_planned", icon="clock",
            title=f"{version} will refuse calls for {minutes} minutes",
            text=f"From {starts_at:%-d %B %Y %H:%M} to {ends_at:%H:%M} UTC every call gets 503, to show who still "
            f"depends on it. It stops for good after {version.sunset_at:%-d %B %Y}.",
        )  # fmt: skip
    return brownout


def cancel_brownout(*, brownout: Brownout, actor: User) -> None:
    """Cancel a brownout that is to come, or end one under way."""
    version = brownout.version
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="cancel brownouts")
    if brownout.ends_at <= now():
        raise Conflict("This brownout is over.", code="move-not-possible")
    with transaction.atomic():
        lock_version(version)
        values = {"starts_at": brownout.starts_at.isoformat()}
        brownout.delete()
        _say(version, "cancel_brownout", actor, values)


def _require_deprecated(version: ApiVersion) -> None:
    if version.state != ApiVersion.State.DEPRECATED:
        raise Conflict(
            f"Only a deprecated version has brownouts; {version} is {version.state}.", code="move-not-possible"
        )


def _say(version: ApiVersion, verb: str, actor: User, values: dict[str, Any]) -> None:
    ApiVersion.objects.filter(pk=version.pk).update(row_version=F("row_version") + 1)
    version.refresh_from_db()
    record_audit(actor=actor, verb=f"version.{verb}", target=version, team=version.api.team, after=values)
    version_changed.send(sender=ApiVersion, version=version)


def _check_brownout(version: ApiVersion, starts_at: datetime, ends_at: datetime, minutes: int) -> None:
    errors = []
    if starts_at.tzinfo is None:
        errors.append({"detail": "The start needs a time zone.", "pointer": "/starts_at"})
    elif starts_at < now() + SOONEST:
        errors.append(
            {"detail": "Callers need to be told: start an hour from now at the soonest.", "pointer": "/starts_at"}
        )
    elif version.sunset_at is not None and ends_at > version.sunset_at:
        detail = f"It would end after the sunset, {version.sunset_at:%Y-%m-%d %H:%M} UTC."
        errors.append({"detail": detail, "pointer": "/starts_at"})
    elif version.brownouts.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        errors.append({"detail": "It overlaps with another brownout.", "pointer": "/starts_at"})
    if not 1 <= minutes <= MOST_MINUTES:
        errors.append({"detail": f"{minutes} minutes: choose between 1 and 1,440.", "pointer": "/minutes"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
