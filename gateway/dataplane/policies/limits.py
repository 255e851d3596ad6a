"""Admits a call within its plan's limits: all counters at once, the RateLimit fields on every answer, a 429 that helps.

Fields: draft-ietf-httpapi-ratelimit-headers-10. Tokens are no registered quota unit there, so token limits go in the
`x-ratelimit-*-tokens` fields that AI clients know.
"""

from __future__ import annotations

from gateway.dataplane.allowance import Counter, Decision, Taken
from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header, QuotaExceeded
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.records import LimitRecord, PlanRecord
from gateway.dataplane.runtime import Runtime

# LimitRecord.unit → `qu` of the draft, "" where it is the default.
QUOTA_UNITS = {"requests": "", "bytes": "content-bytes", "concurrent": "concurrent-requests"}
WINDOWS = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}
UNIT_WORDS = {"nano_usd": "nano-USD", "concurrent": "concurrent requests"}


async def admit(call: Call, runtime: Runtime) -> None:
    """Take what the call may use from every limit of its plan; raise QuotaExceeded or LimitsUnavailable."""
    plan = call.plan
    if plan is None or not plan.limits:
        return
    counters = [_counter(call, limit) for limit in plan.limits]
    call.rate_limit_headers = _policies.of(plan)
    decision: Decision = await runtime.allowance.reserve(
        call.id, call.attempt + 1, counters, on_store_error=plan.on_store_error
    )
    call.rate_limit_headers = [*call.rate_limit_headers, *_state_headers(decision.taken)]
    if not decision.is_admitted:
        raise _refusal(plan, decision)
    call.decision = decision


async def settle(call: Call, runtime: Runtime) -> None:
    """Give back what the call reserved and did not use; requests are spent as soon as they are admitted."""
    counters = [taken.counter for taken in call.decision.taken]
    actual = {
        "tokens": call.input_tokens + call.output_tokens,
        "nano_usd": call.cost_nano,
        "bytes": call.request_bytes + call.response_bytes,
    }
    amounts = [actual.get(counter.unit, 0) for counter in counters]
    await runtime.allowance.settle(call.id, max(1, call.attempt), counters, amounts)


def _counter(call: Call, limit: LimitRecord) -> Counter:
    amount = 1
    if limit.unit == "tokens":
        amount = call.reserved_tokens
    elif limit.unit == "nano_usd":
        amount = call.reserved_nano
    elif limit.unit == "bytes":
        amount = call.request_bytes
    return Counter(_owner(call, limit.by), limit.id, limit.limit, limit.window_seconds, limit.unit, amount)


def _owner(call: Call, by: str) -> str:
    """Return the public id of whom the counter belongs to."""
    if by == "subscription" or call.subscription is None:
        return call.subscription_id
    if by == "application":
        return call.subscription.application_id
    if by == "team":
        return call.subscription.team_id
    return call.credential_id or call.subscription_id


def _policy_headers(plan: PlanRecord) -> list[Header]:
    items = []
    for limit in plan.limits:
        if limit.unit in QUOTA_UNITS:
            unit = QUOTA_UNITS[limit.unit]
            qu = f';qu="{unit}"' if unit else ""
            items.append(f"{_quoted(limit.id)};q={limit.limit}{qu};w={limit.window_seconds}")
    return [(b"ratelimit-policy", ", ".join(items).encode())] if items else []


_policies: RecordMemo[PlanRecord, list[Header]] = RecordMemo(_policy_headers)


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


def _quoted(text: str) -> str:
    """Return a Structured Field string (RFC 9651 §3.3.3), which holds printable ASCII only."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refusal(plan: PlanRecord, decision: Decision) -> QuotaExceeded:
    first, *_ = violated = decision.violated
    counter = first.counter
    unit = UNIT_WORDS.get(counter.unit, counter.unit)
    window = WINDOWS.get(counter.window_seconds, f"{counter.window_seconds} s")
    if counter.unit == "requests":
        tail = f"and this is the {_ordinal(first.used + 1)}"
    else:
        tail = f"{first.used} are used and this call may need {counter.amount}"
    return QuotaExceeded(
        f"Refused by plan {plan.name}, limit {counter.limit_id}: {counter.limit} {unit} per {window}, {tail}. "
        f"Wait {first.reset_seconds} s or ask for a larger plan.",
        rule=f"{plan.policy_ref or plan.name} {counter.limit_id}",
        headers=[(b"retry-after", b"%d" % max(1, first.reset_seconds))],
        extra={"violated-policies": [taken.counter.limit_id for taken in violated]},
    )


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
