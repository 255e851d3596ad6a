"""Admits a call within its plan's limits: all counters at once, the RateLimit fields on every answer, a 429 that helps.

Fields: draft-ietf-httpapi-ratelimit-headers-10. Tokens are no registered quota unit there, so token limits go in the
`x-ratelimit-*-tokens` fields that AI clients know.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gateway.dataplane.allowance import Counter, Decision, Taken
from gateway.dataplane.allowance.counters import counter_of
from gateway.dataplane.allowance.slots import Queue, Refused
from gateway.dataplane.alternates import PRODUCTION
from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header, QuotaExceeded
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.records import LimitRecord, PlanRecord, RouteRecord
from gateway.dataplane.runtime import Runtime

# LimitRecord.unit → `qu` of the draft, "" where it is the default.
QUOTA_UNITS = {"requests": "", "bytes": "content-bytes", "concurrent": "concurrent-requests"}
WINDOWS = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}
UNIT_WORDS = {"nano_usd": "nano-USD", "concurrent": "concurrent requests"}
OWNERS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Terms:
    """A plan's limits as calls need them: built once, with the counters of each subscription and key that called."""

    counted: tuple[LimitRecord, ...]
    concurrent: tuple[LimitRecord, ...]
    policy_headers: list[Header]
    owners: dict[tuple[str, str, str, bool], tuple[tuple[Counter, ...], tuple[tuple[Counter, Queue], ...]]] = field(
        default_factory=dict
    )


def _terms_of(limits: tuple[LimitRecord, ...]) -> Terms:
    return Terms(
        tuple(limit for limit in limits if limit.unit != "concurrent"),
        tuple(limit for limit in limits if limit.unit == "concurrent"),
        _policy_headers(limits),
    )


_terms: RecordMemo[tuple[LimitRecord, ...], Terms] = RecordMemo(_terms_of)


async def admit(call: Call, runtime: Runtime) -> None:
    """Take what the call may use from every limit of its plan; raise QuotaExceeded or LimitsUnavailable."""
    plan, route = call.plan, call.route
    if plan is None or route is None:
        return
    limits = plan.limits
    if plan.limits_elsewhere is not None and route.environment != PRODUCTION:
        limits = plan.limits_elsewhere
    if not limits:
        return
    began = time.monotonic_ns()
    try:
        await _admit(call, runtime, plan, route, _terms.of(limits))
    finally:
        call.limit_ns = time.monotonic_ns() - began


async def _admit(call: Call, runtime: Runtime, plan: PlanRecord, route: RouteRecord, terms: Terms) -> None:
    call.rate_limit_headers = terms.policy_headers
    owner = (call.subscription_id, call.credential_id, route.environment, route.has_own_upstream)
    known = terms.owners.get(owner)
    if known is None:
        if len(terms.owners) >= OWNERS_REMEMBERED:
            terms.owners.clear()
        known = terms.owners[owner] = (
            tuple(_counter(call, route, limit) for limit in terms.counted),
            tuple((_counter(call, route, limit), _queue(limit)) for limit in terms.concurrent),
        )
    templates, slots = known
    for counter, queue in slots:
        await _take_slot(call, runtime, plan, counter, queue)
    if not templates:
        return
    counters = [c if c.unit == "requests" else replace(c, amount=_amount(call, c.unit)) for c in templates]
    decision = await runtime.allowance.reserve(call.id, call.attempt + 1, counters, on_store_error=plan.on_store_error)
    call.rate_limit_headers = [*terms.policy_headers, *_state_headers(decision.taken)]
    if not decision.is_admitted:
        raise _refusal(plan, decision)
    call.decision = decision


async def _take_slot(call: Call, runtime: Runtime, plan: PlanRecord, counter: Counter, queue: Queue) -> None:
    try:
        slot = await runtime.allowance.slots.acquire(counter, queue, on_store_error=plan.on_store_error)
    except Refused as error:
        violated = Taken(counter, error.total, 1, is_violated=True)
        raise _refusal(plan, Decision(False, (violated,))) from error
    call.slots.append(slot)


async def settle(call: Call, runtime: Runtime) -> None:
    """Give back the call's slots, and what it reserved and did not use; requests are spent once admitted."""
    slots, call.slots = call.slots, []
    for slot in slots:
        await slot.release()
    if call.decision is None:
        return
    counters = [taken.counter for taken in call.decision.taken if taken.counter.is_settled_later]
    if not counters:
        return
    actual = {
        "tokens": call.input_tokens + call.output_tokens,
        "nano_usd": call.cost_nano,
        "bytes": call.request_bytes + call.response_bytes,
    }
    amounts = [actual.get(counter.unit, 0) for counter in counters]
    await runtime.allowance.settle(call.id, max(1, call.attempt), counters, amounts)


def _amount(call: Call, unit: str) -> int:
    """Return what the call may use at most of a unit that is settled afterwards."""
    return {"tokens": call.reserved_tokens, "nano_usd": call.reserved_nano, "bytes": call.request_bytes}.get(unit, 1)


def _counter(call: Call, route: RouteRecord, limit: LimitRecord) -> Counter:
    subscription = call.subscription
    place = "" if route.environment == PRODUCTION else route.environment
    ids = {
        "subscription": call.subscription_id,
        "key": call.credential_id,
        "application": subscription.application_id if subscription else "",
        "team": subscription.team_id if subscription else "",
        "api": route.api_id,
        "upstream": f"{route.version_id}~{place}" if route.has_own_upstream else route.version_id,
    }
    return counter_of(limit, call.plan_id, ids, place)


def _queue(limit: LimitRecord) -> Queue:
    return Queue(limit.queue_size, limit.queue_seconds, limit.priority)


def _policy_headers(limits: tuple[LimitRecord, ...]) -> list[Header]:
    items = []
    for limit in limits:
        if limit.unit in QUOTA_UNITS:
            unit = QUOTA_UNITS[limit.unit]
            qu = f';qu="{unit}"' if unit else ""
            # Slots have no window: the draft leaves `w` out then.
            window = "" if limit.unit == "concurrent" else f";w={limit.window_seconds}"
            items.append(f"{_quoted(limit.id)};q={limit.limit}{qu}{window}")
    return [(b"ratelimit-policy", ", ".join(items).encode())] if items else []


def _state_headers(taken: tuple[Taken, ...]) -> list[Header]:
    items, headers = [], []
    for item in taken:
        counter = item.counter
        if counter.unit in QUOTA_UNITS:
            items.append(f"{_quoted(counter.limit_id)};r={item.remaining};t={item.reset_seconds}")
        elif counter.unit == "tokens":
            headers += [
                (b"x-ratelimit-limit-tokens", b"%d" % counter.limit),
                (b"x-ratelimit-remaining-tokens", b"%d" % item.remaining),
                (b"x-ratelimit-reset-tokens", b"%ds" % item.reset_seconds),
            ]
    return [(b"ratelimit", ", ".join(items).encode()), *headers] if items else headers


@lru_cache(4096)
def _quoted(text: str) -> str:
    """Return a Structured Field string (RFC 9651 §3.3.3), which holds printable ASCII only."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refusal(plan: PlanRecord, decision: Decision) -> QuotaExceeded:
    first, *_ = violated = decision.violated
    counter = first.counter
    return QuotaExceeded(
        f"Refused by plan {plan.name}, limit {counter.limit_id}: {_reason(first)}. "
        f"Wait {first.reset_seconds} s or ask for a larger plan.",
        rule=f"{plan.policy_ref or plan.name} {counter.limit_id}",
        headers=[(b"retry-after", b"%d" % max(1, first.reset_seconds))],
        extra={"violated-policies": [taken.counter.limit_id for taken in violated]},
    )


def _reason(taken: Taken) -> str:
    counter = taken.counter
    unit = UNIT_WORDS.get(counter.unit, counter.unit)
    if counter.unit == "concurrent":
        return f"{counter.limit} {unit}, and {taken.used} are under way"
    window = counter.calendar or WINDOWS.get(counter.window_seconds, f"{counter.window_seconds} s")
    if counter.unit == "requests":
        return f"{counter.limit} {unit} per {window}, and this is the {_ordinal(taken.used + 1)}"
    return f"{counter.limit} {unit} per {window}, {taken.used} are used and this call may need {counter.amount}"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
