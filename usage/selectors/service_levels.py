"""What a version has kept to so far: its availability and latency as its callers met them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from apis.models import ApiVersion
from common.clock import now
from usage.selectors.summaries import totals
from usage.selectors.values import Scope

DAYS = 30
# Fewer say nothing of a service; Google's agreements widen the window below this too.
LEAST_CALLS = 1000


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Measured over `days`: `availability` from 0 to 1, latency in milliseconds; None below 1,000 calls that count.

    A call counts unless its caller or a limit or rule of the caller's is why it failed; it is bad when the gateway or
    the upstream is.
    """

    days: int
    availability: float | None
    p50_ms: float | None
    p95_ms: float | None


def measured_level(version: ApiVersion, days: int = DAYS) -> ServiceLevel:
    """Return what a version's callers met in the last days, today included; who may ask is the caller's to judge."""
    until = now()
    numbers = totals(Scope(version_id=version.public_id), until - timedelta(days=days), until, interval="day")
    counted = numbers.calls - numbers.caller_errors - numbers.policy_errors
    if counted < LEAST_CALLS:
        return ServiceLevel(days, None, None, None)
    bad = numbers.upstream_errors + numbers.gateway_errors
    return ServiceLevel(days, 1 - bad / counted, numbers.p50_ms, numbers.p95_ms)
