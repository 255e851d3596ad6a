"""Retirement: the end of a version for its callers, and the way back within thirty days."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from apis.lifecycle import UNUSED_DAYS, find_move
from apis.models import ApiVersion, Subscription
from apis.selectors.versions import callers_of
from apis.services.announcements import tell_users
from apis.services.catalog import refresh_listing
from apis.services.moves import move_version, require_move
from apis.services.subscriptions import end_subscriptions
from apis.signals import subscription_changed, version_changed
from common.clock import now
from common.errors import Invalid
from teams.models import User
from teams.services.audit import record_audit

ENDED_BY_RETIREMENT = "The version was retired."


def retire_version(*, version: ApiVersion, actor: User, override_reason: str = "", typed_name: str = "") -> ApiVersion:
    """Retire a deprecated version: callers get 410, its subscriptions end.

    Before the sunset, or while somebody called within seven days, `override_reason` and `typed_name` (`orders/v1`)
    are needed; raise Invalid that says which of the two is missing and why it is asked for.
    """
    move = require_move(version=version, name="retire", actor=actor)
    causes = require_retirable(version=version, at=now(), override_reason=override_reason, typed_name=typed_name)
    changes = {"retired_at": now(), "retirement_reason": override_reason.strip()[:500]}
    with transaction.atomic():
        reason = f"{' '.join(causes)} {override_reason}".strip() if causes else override_reason
        move_version(version=version, move=move, actor=actor, reason=reason, changes=changes)
        version_changed.send(sender=ApiVersion, version=version)
        _tell_retired(version)
        end_subscriptions(version.subscriptions.all(), reason=ENDED_BY_RETIREMENT, at=version.retired_at)
    return version


def require_retirable(
    *, version: ApiVersion, at: datetime, override_reason: str = "", typed_name: str = ""
) -> list[str]:
    """Return why retiring at a moment needs an override; raise Invalid when it does and is not given."""
    causes = override_causes(version, at)
    if causes:
        _require_override(version, causes, override_reason, typed_name)
    return causes


def _tell_retired(version: ApiVersion) -> None:
    successor = f" Use {version.successor}." if version.successor else ""
    tell_users(
        version, type="version.retired", icon="circle-off", title=f"{version} was retired",
        text=f"Calls get 410 from now on.{successor} {version.retirement_reason}".strip(),
    )  # fmt: skip


def restore_version(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Bring a version back to deprecated within thirty days, with the subscriptions its retirement ended."""
    move = require_move(version=version, name="restore", actor=actor)
    retired_at = version.retired_at
    with transaction.atomic():
        move_version(version=version, move=move, actor=actor, changes={"retired_at": None, "retirement_reason": ""})
        revived = list(
            version.subscriptions.filter(state="ended", ended_at=retired_at, reason=ENDED_BY_RETIREMENT).values_list(
                "pk", flat=True
            )
        )
        version.subscriptions.filter(pk__in=revived).update(
            state="active", ended_at=None, reason="", row_version=F("row_version") + 1
        )
        record_audit(
            actor=actor,
            verb="version.revive_subscriptions",
            target=version,
            team=version.api.team,
            after={"subscriptions": len(revived)},
        )
        refresh_listing(version.api)
        _tell(version, revived)
        tell_users(
            version, type="version.restored", icon="arrow-back-up", title=f"{version} is served again",
            text="It was restored as deprecated, with the subscriptions that its retirement had ended.",
        )  # fmt: skip
    return version


def archive_version(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Archive a retired version for ever: calls get 404, the tombstone goes, its history stays with its team."""
    move = require_move(version=version, name="archive", actor=actor)
    with transaction.atomic():
        move_version(version=version, move=move, actor=actor)
        version_changed.send(sender=ApiVersion, version=version)
    return version


def retire_at_sunset(*, version: ApiVersion) -> bool:
    """Retire a version whose sunset has come and that nobody called for seven days; say whether it was retired."""
    move = find_move("retire", version.state)
    if move is None or version.sunset_at is None or override_causes(version):
        return False
    with transaction.atomic():
        move_version(
            version=version, move=move, actor=None, reason="The sunset has come.", changes={"retired_at": now()}
        )
        version_changed.send(sender=ApiVersion, version=version)
        _tell_retired(version)
        end_subscriptions(version.subscriptions.all(), reason=ENDED_BY_RETIREMENT, at=version.retired_at)
    return True


def override_causes(version: ApiVersion, at: datetime | None = None) -> list[str]:
    """Return why retiring needs an override, in sentences; of a moment to come only its sunset can be judged."""
    causes: list[str] = []
    if version.sunset_at is not None and version.sunset_at > (at or now()):
        causes.append(f"The sunset of {version.sunset_at:%-d %B %Y} has not come.")
    if at is not None and at > now():
        return causes
    callers = sum(1 for caller in callers_of(version, UNUSED_DAYS) if caller.calls_7_days)
    if callers:
        who = "1 application" if callers == 1 else f"{callers} applications"
        causes.append(f"{who} called it in the last {UNUSED_DAYS} days.")
    return causes


def _require_override(version: ApiVersion, causes: list[str], reason: str, typed_name: str) -> None:
    name = f"{version.api.slug}/{version.name}"
    why = " ".join(causes)
    errors: list[dict[str, Any]] = []
    if not reason.strip():
        errors.append({"detail": f"{why} Give the reason for retiring it now.", "pointer": "/override_reason"})
    if typed_name.strip() != name:
        errors.append({"detail": f"{why} Type {name} to retire it now.", "pointer": "/typed_name"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)


def _tell(version: ApiVersion, subscriptions: list[int]) -> None:
    version_changed.send(sender=ApiVersion, version=version)
    rows = Subscription.objects.filter(pk__in=subscriptions).select_related("application__team", "version", "plan")
    for subscription in rows.iterator():
        subscription_changed.send(sender=Subscription, subscription=subscription)
