"""Subscriptions: ask, approve, reject, end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from apis.lifecycle import ROUTED, VERSION_STATES
from apis.models import Api, ApiVersion, Plan, Subscription
from apis.selectors.visibility import NOTHING, is_shared_with, visible_versions
from apis.services.catalog import refresh_listing
from apis.signals import subscription_changed
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from teams.models import Application, Role, User
from teams.roles import has_role, require_role
from teams.services.audit import record_audit
from teams.services.notices import notify, people_of

OVER = ("ended", "rejected", "cancelled")


def subscribe(*, application: Application, version: ApiVersion, plan: Plan, actor: User) -> Subscription:
    """Subscribe an application to a version; active at once, or pending where the plan needs approval.

    Raise Conflict for a version that takes no subscriptions, a closed plan, or a subscription that exists already.
    """
    require_role(actor=actor, team=application.team, role=Role.DEVELOPER, what="subscribe its applications")
    if not visible_versions(actor).filter(pk=version.pk).exists():
        raise NotFound(NOTHING)
    _require_subscribable(application, version, plan)
    existing = live_subscription(application, version)
    if existing is not None:
        raise _exists(existing)
    is_pending = plan.requires_approval
    subscription = Subscription(
        application=application,
        version=version,
        plan=plan,
        state="pending" if is_pending else "active",
        requested_by=actor,
        started_at=None if is_pending else now(),
    )
    subscription.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            subscription.save()
            # The version is read again under a lock: one deprecated meanwhile takes no new subscription.
            _require_open_state(ApiVersion.objects.select_for_update().get(pk=version.pk))
            _record(subscription, "subscription.create", actor, before={})
            if is_pending:
                _ask_providers(subscription)
    except IntegrityError as error:
        existing = live_subscription(application, version)
        if existing is None:
            raise
        raise _exists(existing) from error
    return subscription


def approve_subscription(*, subscription: Subscription, actor: User) -> Subscription:
    """Accept a pending subscription: its keys work within a second."""
    _require_provider(subscription, actor, "approve subscriptions")
    _require_open_state(subscription.version)
    with transaction.atomic():
        _move(subscription, ("pending",), "active", "approve", actor, decided_by=actor, started_at=now())
        _tell_applicant(subscription, "was approved", "Its keys work from now on.", "circle-check")
    return subscription


def reject_subscription(*, subscription: Subscription, actor: User, reason: str) -> Subscription:
    """Refuse a pending subscription with a reason its applicant reads."""
    _require_provider(subscription, actor, "reject subscriptions")
    if not reason.strip():
        raise Invalid("Give a reason.", errors=[{"detail": "Give a reason.", "pointer": "/reason"}])
    with transaction.atomic():
        _move(
            subscription, ("pending",), "rejected", "reject", actor, decided_by=actor, reason=reason.strip()[:500],
            ended_at=now(),
        )  # fmt: skip
        _tell_applicant(subscription, "was refused", subscription.reason, "circle-x")
    return subscription


def end_subscription(*, subscription: Subscription, actor: User, reason: str = "") -> Subscription:
    """End a subscription from either side: its keys are refused on this version within a second."""
    if not has_role(actor, subscription.version.api.team, Role.PUBLISHER):
        require_role(actor=actor, team=subscription.application.team, role=Role.DEVELOPER, what="end its subscriptions")
    if subscription.state == "pending":
        return _move(subscription, ("pending",), "cancelled", "cancel", actor, reason=reason[:500], ended_at=now())
    living = ("active", "change_pending", "suspended")
    return _move(subscription, living, "ended", "end", actor, reason=reason[:500], ended_at=now())


def end_subscriptions(subscriptions: QuerySet[Subscription], *, reason: str, at: datetime | None = None) -> int:
    """End all that live of a set, those that wait as cancelled; return how many. Part of the caller's transaction."""
    ended = list(subscriptions.exclude(state__in=OVER).values_list("pk", flat=True))
    rows = Subscription.objects.filter(pk__in=ended)
    changes = {"ended_at": at or now(), "reason": reason, "row_version": F("row_version") + 1}
    # Those still waiting are told apart: a restoration revives only what was in use.
    rows.filter(state="pending").update(state="cancelled", **changes)
    rows.exclude(state="cancelled").update(state="ended", **changes)
    for api in Api.objects.filter(versions__subscriptions__in=ended).distinct():
        refresh_listing(api)
    for subscription in rows.select_related("application__team", "version", "plan").iterator():
        subscription_changed.send(sender=Subscription, subscription=subscription)
    return len(ended)


def live_subscription(application: Application, version: ApiVersion) -> Subscription | None:
    """Return the one subscription of an application to a version that is not over."""
    return (
        Subscription.objects.select_related("plan", "application__team", "version__api__team")
        .filter(application=application, version=version)
        .exclude(state__in=OVER)
        .first()
    )


def _require_subscribable(application: Application, version: ApiVersion, plan: Plan) -> None:
    _require_open_state(version)
    api = version.api
    if version.state == "preview" and not version.preview_applications.filter(pk=application.pk).exists():
        raise Conflict(
            f"{version} is in preview, and {application} is not on its list: ask {api.team.name} to add it.",
            code="preview-not-listed",
        )
    if plan.api_id != api.pk:
        raise Invalid(f"The plan {plan.name} is not one of {api.name}.", errors=[
            {"detail": "Choose a plan of this API.", "pointer": "/plan"}
        ])  # fmt: skip
    if not plan.is_open:
        raise Conflict(f"The plan {plan.name} is closed to new subscriptions. Choose another.", code="plan-closed")
    if version.state != "preview" and not is_shared_with(api, application.team):
        raise Conflict(
            f"{api.name} is not shared with {application.team.name}: choose an application of a team that sees it, or "
            f"ask {api.team.name} to share it.",
            code="not-shared",
        )


def _require_open_state(version: ApiVersion) -> None:
    if version.state in ROUTED and version.state != "deprecated":
        return
    if version.state == "deprecated":
        raise Conflict(
            f"{version} is deprecated and takes no new subscriptions.{_hint(version)}", code="version-deprecated"
        )
    state = VERSION_STATES[version.state].label.lower()
    raise Conflict(f"{version} is {state} and takes no subscriptions.{_hint(version)}", code="version-not-open")


def _hint(version: ApiVersion) -> str:
    return f" Subscribe to {version.successor} instead." if version.successor else ""


def _exists(existing: Subscription) -> Conflict:
    return Conflict(
        f"{existing.application} has a subscription to {existing.version} already, under the plan "
        f"{existing.plan} ({existing.get_state_display().lower()}).",
        code="subscription-exists",
        existing=existing.public_id,
    )


def _ask_providers(subscription: Subscription) -> None:
    version = subscription.version
    notify(
        people=people_of(version.api.team, Role.PUBLISHER),
        title=f"{subscription.application} asks for {version}",
        text=f"{subscription.application.team} wants the plan {subscription.plan}. It waits for your decision.",
        url="/workspace/subscriptions",
        icon="hourglass",
    )


def _tell_applicant(subscription: Subscription, what: str, text: str, icon: str) -> None:
    notify(
        people=[subscription.requested_by],
        title=f"The subscription of {subscription.application} to {subscription.version} {what}",
        text=text,
        url=f"/applications/{subscription.application.public_id}/subscriptions",
        icon=icon,
    )


def _require_provider(subscription: Subscription, actor: User, what: str) -> None:
    require_role(actor=actor, team=subscription.version.api.team, role=Role.PUBLISHER, what=what)


def _move(
    subscription: Subscription, sources: tuple[str, ...], target: str, verb: str, actor: User, **changes: Any
) -> Subscription:
    """Move a subscription from the state it is in; raise Conflict when it is not, or no more, one of the sources."""
    before = {"state": subscription.state}
    with transaction.atomic():
        moved = Subscription.objects.filter(pk=subscription.pk, state__in=sources).update(
            state=target, row_version=F("row_version") + 1, **changes
        )
        subscription.refresh_from_db()
        if moved != 1:
            state = subscription.get_state_display().lower()
            raise Conflict(f"The subscription is {state}: there is nothing to {verb}.", code="move-not-possible")
        _record(subscription, f"subscription.{verb}", actor, before=before)
    return subscription


def _record(subscription: Subscription, verb: str, actor: User, before: dict[str, Any]) -> None:
    refresh_listing(subscription.version.api)
    after = {
        "state": subscription.state,
        "application": subscription.application.name,
        "version": str(subscription.version),
        "plan": subscription.plan.slug,
    }
    teams = {subscription.version.api.team, subscription.application.team}
    # Both sides find it in their audit log.
    for team in sorted(teams, key=lambda team: team.pk):
        record_audit(
            actor=actor,
            verb=verb,
            target=subscription,
            team=team,
            before=before,
            after=after,
            reason=subscription.reason,
        )
    subscription_changed.send(sender=Subscription, subscription=subscription)
