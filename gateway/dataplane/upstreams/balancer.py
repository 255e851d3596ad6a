"""Chooses among a version's targets, and leaves alone those that fail: smooth weighted round robin or least pending.

A target that fails `breaker_failures` times in a row is left out for a while, twice as long each time it fails its
trial; then one call tries it (half open). Without a breaker in its settings nothing is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from gateway.dataplane.errors import UpstreamUnavailable
from gateway.dataplane.records import UpstreamRecord

LONGEST_OPEN_SECONDS = 120.0
# A fifth of the calls may be retried, and one each second however few there are.
RETRIES_PER_CALL = 0.2
RETRIES_PER_SECOND = 1.0
RETRIES_SAVED = 10.0


class Target:
    """One address of a version and how it does."""

    __slots__ = (
        "_current",
        "_openings",
        "base_url",
        "failures",
        "is_healthy",
        "is_on_trial",
        "open_until",
        "pending",
        "weight",
    )

    def __init__(self, base_url: str, weight: int = 1) -> None:
        self.base_url = base_url.rstrip("/")
        self.weight = weight
        self.pending = 0
        self.failures = 0
        self.open_until = 0.0
        self.is_healthy = True
        self.is_on_trial = False
        self._openings = 0
        self._current = 0

    def is_usable(self, now: float) -> bool:
        """Say whether a call may go there: the breaker is closed, or it is time for a trial and nobody is at it."""
        return self.is_healthy and self.open_until <= now and not self.is_on_trial

    def succeeded(self) -> None:
        """Close the breaker."""
        self.failures = self._openings = 0
        self.open_until = 0.0
        self.is_on_trial = False

    def failed(self, now: float, record: UpstreamRecord) -> None:
        """Count a failure; open the breaker at the last one that is allowed, or when a trial failed."""
        self.failures += 1
        if record.breaker_failures and (self.is_on_trial or self.failures >= record.breaker_failures):
            seconds = min(LONGEST_OPEN_SECONDS, record.breaker_seconds * 2**self._openings)
            self._openings += 1
            self.cool_down(now + seconds)
        self.is_on_trial = False

    def cool_down(self, until: float) -> None:
        """Leave it alone until then (the monotonic clock)."""
        self.open_until = max(self.open_until, until)


class Group:
    """The targets of one version, as one worker sees them."""

    def __init__(self, record: UpstreamRecord, clock: Callable[[], float] = time.monotonic) -> None:
        self.record = record
        self.clock = clock
        listed = record.targets or ()
        self.targets = [Target(item.url, item.weight) for item in listed] or [Target(record.base_url)]
        self._saved_retries = RETRIES_SAVED
        self._saved_at = clock()

    @property
    def is_plain(self) -> bool:
        """Say whether there is nothing to choose, to repeat or to watch."""
        record = self.record
        return len(self.targets) == 1 and not record.retries and not record.breaker_failures and not record.health_path

    def choose(self, tried: Collection[Target] = ()) -> Target:
        """Return the next target, one not tried before if there is one; raise UpstreamUnavailable when all are out."""
        now = self.clock()
        usable = [target for target in self.targets if target.is_usable(now)]
        if not usable:
            soonest = min(target.open_until for target in self.targets)
            wait = max(1, min(int(soonest - now + 0.999), int(LONGEST_OPEN_SECONDS)))
            raise UpstreamUnavailable(
                f"The upstream has failed repeatedly and is left alone for now. Try again in {wait} s.",
                headers=[(b"retry-after", b"%d" % wait)],
            )
        fresh = [target for target in usable if target not in tried] or usable
        chosen = self._least_pending(fresh) if self.record.balance == "least_pending" else _next_in_turn(fresh)
        chosen.is_on_trial = bool(chosen.failures) and chosen.open_until > 0 and bool(self.record.breaker_failures)
        return chosen

    def _least_pending(self, targets: list[Target]) -> Target:
        # Where several have the least for their weight, they take turns.
        least = min(target.pending / target.weight for target in targets)
        return _next_in_turn([target for target in targets if target.pending / target.weight == least])

    def may_retry(self) -> bool:
        """Take one retry from the budget, if it holds one: retries must not multiply what overloads an upstream."""
        now = self.clock()
        earned = (now - self._saved_at) * RETRIES_PER_SECOND
        self._saved_retries, self._saved_at = min(RETRIES_SAVED, self._saved_retries + earned), now
        if self._saved_retries < 1:
            return False
        self._saved_retries -= 1
        return True

    def note_call(self) -> None:
        """Earn a share of a retry."""
        self._saved_retries = min(RETRIES_SAVED, self._saved_retries + RETRIES_PER_CALL)


def _next_in_turn(targets: list[Target]) -> Target:
    """Return the next by smooth weighted round robin: a heavy target's turns are spread out, not bunched."""
    if len(targets) == 1:
        return targets[0]
    total = 0
    for target in targets:
        target._current += target.weight
        total += target.weight
    chosen = max(targets, key=lambda target: target._current)
    chosen._current -= total
    return chosen
