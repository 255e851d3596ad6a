"""Counting in this process alone, while the store is away and the plan says so."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.dataplane.allowance.counters import DAY_SECONDS, Counter, Decision, Taken

COUNTERS = 10_000


class LocalCounters:
    """Fixed windows of this process: each worker takes its share of the limit, rounded down."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], int] = {}

    def take(self, counters: Sequence[Counter], workers: int, *, now: int) -> Decision:
        """Take every counter or none."""
        if len(self._used) > COUNTERS:
            self._used = {place: used for place, used in self._used.items() if place[1] > now - DAY_SECONDS}
        rows = []
        for counter in counters:
            start = now - now % counter.window_seconds
            place = (counter.key, start)
            used = self._used.get(place, 0)
            is_violated = used + counter.amount > counter.limit // workers
            rows.append((counter, place, used, start + counter.window_seconds - now, is_violated))
        is_admitted = not any(row[-1] for row in rows)
        taken = []
        for counter, place, used, reset, is_violated in rows:
            if is_admitted:
                used += counter.amount
                self._used[place] = used
            share = min(counter.limit, used + max(0, counter.limit - counter.limit // workers))
            taken.append(Taken(counter, share, reset, is_violated))
        return Decision(is_admitted, tuple(taken), source="local")
