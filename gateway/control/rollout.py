"""Waits, for a bounded time, until the workers have applied a change."""

from __future__ import annotations

import time

from gateway.control.changelog import latest_generation_of
from gateway.control.selectors import applied_on

STEP_SECONDS = 0.05


def wait_until_applied(kind: str, key: str, *, limit_seconds: float = 2.0) -> tuple[int, int]:
    """Wait for the newest change of a key on all live workers; return (applied, live), whatever was reached."""
    generation = latest_generation_of(kind, key)
    deadline = time.monotonic() + limit_seconds
    applied, live = applied_on(generation)
    while applied < live or not live:
        if time.monotonic() > deadline:
            break
        time.sleep(STEP_SECONDS)
        applied, live = applied_on(generation)
    return applied, live
