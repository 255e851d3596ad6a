"""Whether a call may reach a version: its lifecycle state, who may see it, the subscription, the plan.

All of it is read from one generation, before the first `await` of the call; times are judged at the call's own `at`.
"""

from __future__ import annotations

from math import ceil

from gateway.dataplane.alternates import PRODUCTION
from gateway.dataplane.context import Call
from gateway.dataplane.errors import (
    KeyRevoked,
    LimitsUnavailable,
    RouteNotFound,
    SubscriptionPending,
    SubscriptionRequired,
    SubscriptionSuspended,
    VersionBlocked,
    VersionBrownout,
    VersionRetired,
)
from gateway.dataplane.records import RouteRecord, SubscriptionRecord

# RFC 9110 §15.5.11 makes 410 cacheable; a restored version must not stay gone in a cache.
NO_STORE = (b"cache-control", b"no-store")


def is_open_to_all(route: RouteRecord) -> bool:
    """Say whether everyone may know that the version exists."""
    return route.visibility == "everyone"


def show_version(call: Call) -> None:
    """Let every answer from here on carry the version's own headers (RFC 9745, RFC 8594)."""
    assert call.entry is not None
    call.state_headers = call.entry.state_headers


def check_state(call: Call) -> None:
    """Refuse a version that is retired (410), blocked or in a brownout (503)."""
    route = call.route
    assert route is not None
    name = f"{route.api_name} {route.version}"
    if route.state == "retired" or (route.retired_at is not None and route.retired_at <= call.at):
        successor = f" Use {route.successor_path} instead." if route.successor_path else ""
        raise VersionRetired(f"{name} was retired.{successor}", rule="lifecycle retired", headers=[NO_STORE])
    if route.is_blocked:
        reason = f": {route.blocked_reason.rstrip('.')}" if route.blocked_reason else ""
        headers = [NO_STORE]
        if route.blocked_until is not None and route.blocked_until > call.at:
            headers.append((b"retry-after", b"%d" % ceil(route.blocked_until - call.at)))
        raise VersionBlocked(f"{name} is blocked by its owners{reason}.", rule="lifecycle blocked", headers=headers)
    for start, end in route.brownouts:
        if start <= call.at < end:
            headers = [NO_STORE, (b"retry-after", b"%d" % ceil(end - call.at))]
            successor = f" Move to {route.successor_path}." if route.successor_path else ""
            detail = f"{name} is deprecated and refuses calls for a while, as announced.{successor}"
            raise VersionBrownout(detail, rule="lifecycle brownout", headers=headers)


def authorise(call: Call) -> None:
    """Find the subscription and plan that carry the call, or refuse: 404 not visible, then 403.

    Its owners need no subscription where they call with a key of another environment than production.
    On a version not shared with everyone, its state (410, 503) is told only to who holds or held a subscription.
    """
    route = call.route
    assert route is not None
    subscription = _subscription(call, route)
    team_id = _team_id(call)
    if not is_open_to_all(route):
        if team_id not in route.team_ids and team_id != route.owner_team_id:
            raise not_found(call)
        if subscription is None and (route.state == "retired" or route.is_blocked):
            raise not_found(call)
        show_version(call)
        check_state(call)
    try:
        _check_subscription(subscription, route, call.at)
    except SubscriptionRequired:
        if not _is_owners_elsewhere(call, route):
            raise
        # No plan carries the call, and one that has ended must not seem to.
        call.subscription_id, call.subscription = "", None
        return
    assert subscription is not None
    plan = call.state.plans.get(subscription.plan_id)
    if plan is None:
        raise LimitsUnavailable(
            "The plan of this subscription has not reached the gateway yet. Try again in a second.",
            headers=[(b"retry-after", b"1")],
        )
    call.plan_id, call.plan = subscription.plan_id, plan


def not_found(call: Call) -> RouteNotFound:
    """Return the 404 that says no more than that nothing is here."""
    return RouteNotFound(f"No API answers at {call.raw_path[:200]}.")


def _is_owners_elsewhere(call: Call, route: RouteRecord) -> bool:
    """Say whether the version's owners call it with a key that is not production's: they need no subscription."""
    credential = call.credential
    return credential is not None and credential.environment != PRODUCTION and credential.team_id == route.owner_team_id


def _team_id(call: Call) -> str:
    if call.credential is not None:
        return call.credential.team_id
    return call.subscription.team_id if call.subscription is not None else ""


def _subscription(call: Call, route: RouteRecord) -> SubscriptionRecord | None:
    """Return the subscription to this version: of the key's application, or the one that the try-it token names."""
    if call.is_try_it:
        is_fitting = call.subscription is not None and call.subscription.version_id == route.version_id
        return call.subscription if is_fitting else None
    assert call.credential is not None
    found = call.state.subscription_for(call.credential.application_id, route.version_id)
    if found is None:
        return None
    call.subscription_id, call.subscription = found
    return call.subscription


def _check_subscription(subscription: SubscriptionRecord | None, route: RouteRecord, now: float) -> None:
    name = f"{route.api_name} {route.version}"
    if subscription is None:
        raise SubscriptionRequired(
            f"The key's application has no subscription to {name}. Subscribe in the catalog, then call again.",
            rule="subscription",
        )
    who = subscription.application_name
    if subscription.state == "ended" or (subscription.ends_at is not None and subscription.ends_at <= now):
        raise SubscriptionRequired(f"The subscription of {who} to {name} has ended.", rule="subscription ended")
    if subscription.state == "suspended":
        raise SubscriptionSuspended(
            f"The subscription of {who} to {name} is suspended. Ask the API's owners.", rule="subscription suspended"
        )
    if subscription.state == "pending" or (subscription.starts_at is not None and subscription.starts_at > now):
        raise SubscriptionPending(
            f"The subscription of {who} to {name} is not active yet: it waits for approval or its start.",
            rule="subscription pending",
        )
    if subscription.state not in ("active", "change_pending"):
        raise SubscriptionRequired(f"The subscription of {who} to {name} is {subscription.state}.", rule="subscription")


def check_again(call: Call, now: float) -> None:
    """Raise when what carried a call that is under way has been taken away meanwhile: its stream ends here."""
    state = call.state
    call.rights_seen = state.rights_changed
    if call.credential_id:
        credential = state.credentials.get(call.credential_id)
        ended = None if credential is None else credential.revoked_at or credential.disabled_at
        if credential is None or (ended is not None and ended <= now):
            raise KeyRevoked("The key was revoked while the answer was under way.")
    if call.subscription_id and call.route is not None:
        _check_subscription(state.subscriptions.get(call.subscription_id), call.route, now)
