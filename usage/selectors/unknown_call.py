"""What is said of a call id nothing is known of."""

from __future__ import annotations

from usage.retention import EVENT_DAYS
from usage.selectors.freshness import Freshness


def unknown_call_sentence(state: Freshness) -> str:
    """Return why a call may not be found; the reasons are not told apart, so that ids cannot be tried out."""
    behind = f"usage is {_span(state.late_seconds)} behind" if state.as_of else "usage has not been counted yet"
    return f"Not here yet ({behind}), older than {EVENT_DAYS} days, or not yours."


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
