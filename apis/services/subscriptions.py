"""Subscriptions: ask, approve, reject, end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from apis.lifecycle import ROUTED, VERSION_STATES
from apis.models import Api, ApiVersion, Plan, Subscription, SubscriptionApproval
from apis.selectors.visibility import NOTHING, is_shared_with, visible_versions
from apis.services.catalog import refresh_listing
from apis.services.moves import lock_version
from apis.signals import subscription_changed
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from teams.models import Application, User
from teams.permissions import by_rule
from teams.roles import has_permission, people_with, require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify

OVER = ("ended", "rejected", "cancelled")
# What an open wish for another plan leaves when it is over.
NO_WISH: dict[str, Any] = {"wanted_plan": None, "decide_by": None}


def subscribe(
    *, application: Application, version: ApiVersion, plan: Plan, actor: User, accepts_terms: bool = False
) -> Subscription:
    """Subscribe an application to a version; active at once, or pending where the plan needs approval.

    A plan with terms asks for `accepts_terms`. Raise Conflict for a version that takes no subscriptions, a closed plan,
    or a subscription that exists already.
    """
    require_permission(
        actor=actor, team=application.team, permission="applications.manage", what="subscribe its applications"
    )
    if not visible_versions(actor).filter(pk=version.pk).exists():
        raise NotFound(NOTHING)
    with transaction.atomic():
        # As both stand now: a version deprecated, or a plan closed, at this moment takes no new subscription.
        version, plan = lock_version(version), _lock_plan(plan)
        _require_subscribable(application, version, plan)
        require_terms(plan, accepts_terms)
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
            accepted_terms_at=now() if plan.terms else None,
            decide_by=now() + timedelta(days=plan.decide_within_days) if is_pending else None,
        )
        subscription.full_clean(validate_unique=False, validate_constraints=False)
        subscription.save()
        _record(subscription, "subscription.create", actor, before={})
        if is_pending:
            _ask_providers(subscription, plan.approval_steps[0])
    return subscription


def approve_subscription(*, subscription: Subscription, actor: User) -> Subscription:
    """Say yes to an open request; the last step of its plan's approval makes it count within a second.

    A pending subscription becomes active, a change of plan takes effect. Each step wants its role and another person.
    """
    with transaction.atomic():
        _lock(subscription)
        if subscription.state == "change_pending":
            return _approve_change(subscription, actor)
        if not approve_step(subscription, subscription.plan, actor):
            return subscription
        _require_open_state(subscription.version)
        changes = {"decided_by": actor, "started_at": now(), "decide_by": None}
        _move(subscription, ("pending",), "active", "approve", actor, **changes)
        _tell_applicant(subscription, "was approved", "Its keys work from now on.", "circle-check")
    return subscription


def _approve_change(subscription: Subscription, actor: User) -> Subscription:
    wanted = subscription.wanted_plan
    assert wanted is not None
    if not approve_step(subscription, wanted, actor):
        return subscription
    changes = {**NO_WISH, "plan": wanted, "decided_by": actor}
    _move(subscription, ("change_pending",), "active", "change_plan", actor, **changes)
    _tell_applicant(
        subscription, f"is under the plan {wanted} now", "The new limits count from now on.", "circle-check"
    )
    return subscription


def approve_step(subscription: Subscription, plan: Plan, actor: User) -> bool:
    """Take one person's yes for the step a request is at; say whether it was the last one."""
    done = subscription.approvals.count()
    step = plan.approval_steps[min(done, len(plan.approval_steps) - 1)]
    for permission in dict.fromkeys(("subscriptions.decide", by_rule(step, "subscriptions.decide"))):
        require_permission(actor=actor, team=plan.api.team, permission=permission, what="approve subscriptions")
    if subscription.state not in ("pending", "change_pending"):
        state = subscription.get_state_display().lower()
        raise Conflict(f"The subscription is {state}: there is nothing to approve.", code="move-not-possible")
    try:
        with transaction.atomic():
            SubscriptionApproval.objects.create(subscription=subscription, step=done, approver=actor)
    except IntegrityError as error:
        raise Conflict(
            "You have approved this request already, or somebody else just did: another person decides the next step.",
            code="conflict",
        ) from error
    if done + 1 < len(plan.approval_steps):
        _ask_providers(subscription, plan.approval_steps[done + 1])
        return False
    return True


def require_terms(plan: Plan, accepts_terms: bool) -> None:
    """Raise Invalid where a plan has terms that were not accepted."""
    if plan.terms.strip() and not accepts_terms:
        detail = f"The plan {plan} has terms: read and accept them."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/accepts_terms"}])


def reject_subscription(*, subscription: Subscription, actor: User, reason: str) -> Subscription:
    """Refuse an open request with a reason its applicant reads; of a change of plan, the present one goes on."""
    _require_provider(subscription, actor, "reject subscriptions")
    if not reason.strip():
        raise Invalid("Give a reason.", errors=[{"detail": "Give a reason.", "pointer": "/reason"}])
    with transaction.atomic():
        _lock(subscription)
        if subscription.state == "change_pending":
            changes = {**NO_WISH, "reason": reason.strip()[:500]}
            _move(subscription, ("change_pending",), "active", "refuse_change", actor, **changes)
            _tell_applicant(subscription, f"stays under the plan {subscription.plan}", subscription.reason, "circle-x")
            return subscription
        _move(
            subscription, ("pending",), "rejected", "reject", actor, decided_by=actor, reason=reason.strip()[:500],
            ended_at=now(),
        )  # fmt: skip
        _tell_applicant(subscription, "was refused", subscription.reason, "circle-x")
    return subscription


def end_subscription(*, subscription: Subscription, actor: User, reason: str = "") -> Subscription:
    """End a subscription from either side: its keys are refused on this version within a second."""
    if not has_permission(actor, subscription.version.api.team, "subscriptions.decide"):
        require_permission(
            actor=actor,
            team=subscription.application.team,
            permission="applications.manage",
            what="end its subscriptions",
        )
    changes = {**NO_WISH, "reason": reason[:500], "ended_at": now()}
    with transaction.atomic():
        _lock(subscription)
        if subscription.state == "pending":
            return _move(subscription, ("pending",), "cancelled", "cancel", actor, **changes)
        living = ("active", "change_pending", "suspended")
        return _move(subscription, living, "ended", "end", actor, **changes)


def end_subscriptions(subscriptions: QuerySet[Subscription], *, reason: str, at: datetime | None = None) -> int:
    """End all that live of a set, those that wait as cancelled; return how many.

    Part of the caller's transaction, which holds the lock of their version.
    """
    ended = list(subscriptions.exclude(state__in=OVER).values_list("pk", flat=True))
    rows = Subscription.objects.filter(pk__in=ended)
    changes = {**NO_WISH, "ended_at": at or now(), "reason": reason, "row_version": F("row_version") + 1}
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


def _ask_providers(subscription: Subscription, step: str) -> None:
    version = subscription.version
    wanted = subscription.wanted_plan or subscription.plan
    until = f" until {subscription.decide_by:%-d %B %Y}" if subscription.decide_by else ""
    notify(
        people=people_with(version.api.team, by_rule(step, "subscriptions.decide")),
        title=f"{subscription.application} asks for {version}",
        text=f"{subscription.application.team} wants the plan {wanted}. It waits for your decision{until}.",
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


def change_plan(*, subscription: Subscription, plan: Plan, actor: User, accepts_terms: bool = False) -> Subscription:
    """Move a subscription to another plan of the API, at once or once it is approved; the present serves until then."""
    team = subscription.application.team
    require_permission(actor=actor, team=team, permission="applications.manage", what="change its plans")
    if plan.api_id != subscription.version.api_id:
        raise Invalid(
            "Choose a plan of this API.", errors=[{"detail": "Choose a plan of this API.", "pointer": "/plan"}]
        )
    if plan.pk == subscription.plan_id:
        raise Conflict(f"It is under the plan {plan} already.", code="conflict")
    with transaction.atomic():
        _lock(subscription)
        plan = _lock_plan(plan)
        if not plan.is_open:
            raise Conflict(f"The plan {plan.name} is closed. Choose another.", code="plan-closed")
        require_terms(plan, accepts_terms)
        terms = {"accepted_terms_at": now()} if plan.terms else {}
        if not plan.requires_approval:
            return _move(subscription, ("active",), "active", "change_plan", actor, plan=plan, **terms)
        subscription.approvals.all().delete()
        decide_by = now() + timedelta(days=plan.decide_within_days)
        changes = {"wanted_plan": plan, "decide_by": decide_by, "requested_by": actor, **terms}
        _move(subscription, ("active",), "change_pending", "ask_change", actor, **changes)
        _ask_providers(subscription, plan.approval_steps[0])
    return subscription


def suspend_subscription(*, subscription: Subscription, actor: User, reason: str = "") -> Subscription:
    """Refuse its keys with 403 until it is resumed: by its provider, with a reason, or paused by its own team."""
    is_provider = has_permission(actor, subscription.version.api.team, "subscriptions.decide")
    if not is_provider:
        require_permission(
            actor=actor,
            team=subscription.application.team,
            permission="applications.manage",
            what="pause subscriptions",
        )
    elif not reason.strip():
        raise Invalid("Give a reason.", errors=[{"detail": "Give a reason.", "pointer": "/reason"}])
    with transaction.atomic():
        changes = {"is_suspended_by_provider": is_provider, "reason": reason.strip()[:500]}
        _move(subscription, ("active",), "suspended", "suspend", actor, **changes)
        if is_provider:
            _tell_applicant(subscription, "is suspended", subscription.reason, "alarm")
    return subscription


def resume_subscription(*, subscription: Subscription, actor: User) -> Subscription:
    """Serve its keys again; what a provider suspended only the provider resumes."""
    if subscription.is_suspended_by_provider:
        _require_provider(subscription, actor, "resume subscriptions")
    elif not has_permission(actor, subscription.version.api.team, "subscriptions.decide"):
        require_permission(
            actor=actor,
            team=subscription.application.team,
            permission="applications.manage",
            what="resume subscriptions",
        )
    was_provider = subscription.is_suspended_by_provider
    with transaction.atomic():
        changes = {"is_suspended_by_provider": False, "reason": ""}
        _move(subscription, ("suspended",), "active", "resume", actor, **changes)
        if was_provider:
            _tell_applicant(subscription, "is served again", "The suspension was lifted.", "circle-check")
    return subscription


def lapse_requests() -> int:
    """Close the requests that nobody answered in time, and tell who had asked; return how many."""
    due = Subscription.objects.filter(state__in=["pending", "change_pending"], decide_by__lte=now())
    rows = list(due.select_related("application__team", "version__api__team", "plan", "wanted_plan", "requested_by"))
    for subscription in rows:
        reason = f"Nobody of {subscription.version.api.team} answered until {subscription.decide_by:%-d %B %Y}."
        with transaction.atomic():
            try:
                if subscription.state == "pending":
                    changes: dict[str, Any] = {"reason": reason, "ended_at": now(), "decide_by": None}
                    _move(subscription, ("pending",), "cancelled", "lapse", None, **changes)
                else:
                    _move(subscription, ("change_pending",), "active", "lapse", None, **NO_WISH)
            except Conflict:
                # Somebody answered at this very moment.
                continue
            _tell_applicant(subscription, "was not answered", f"{reason} Ask again, or write to them.", "clock")
    return len(rows)


def _require_provider(subscription: Subscription, actor: User, what: str) -> None:
    require_permission(actor=actor, team=subscription.version.api.team, permission="subscriptions.decide", what=what)


def _lock(subscription: Subscription) -> None:
    """Read a subscription as it stands now, and keep it so until the transaction ends: by its version's lock."""
    version = lock_version(subscription.version)
    subscription.refresh_from_db()
    subscription.version = version


def _lock_plan(plan: Plan) -> Plan:
    return Plan.objects.select_for_update(of=("self",), no_key=True).select_related("api__team").get(pk=plan.pk)


def _move(
    subscription: Subscription, sources: tuple[str, ...], target: str, verb: str, actor: User | None, **changes: Any
) -> Subscription:
    """Move a subscription from the state it is in; raise Conflict when it is not, or no more, one of the sources."""
    with transaction.atomic():
        _lock(subscription)
        before = {"state": subscription.state}
        moved = Subscription.objects.filter(pk=subscription.pk, state__in=sources).update(
            state=target, row_version=F("row_version") + 1, **changes
        )
        subscription.refresh_from_db()
        if moved != 1:
            state = subscription.get_state_display().lower()
            raise Conflict(f"The subscription is {state}: there is nothing to {verb}.", code="move-not-possible")
        _record(subscription, f"subscription.{verb}", actor, before=before)
    return subscription


def _record(subscription: Subscription, verb: str, actor: User | None, before: dict[str, Any]) -> None:
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
