"""What a worker holds of a counter: permits that the store gave it for up to a second, spent without asking.

The rules that keep "admitted never exceeds the limit" true (docs/adr/0005): a lease belongs to one window and ends
with it; its deadline is our monotonic clock *before* we asked plus the life that the store answered; what expires is
lost, and only a return that names the lease, once and before its deadline, gives back.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.dataplane.allowance.counters import Counter, Taken

# Half a second's demand: a lease that lives a second is used up, not returned.
DEMAND_SECONDS = 0.5
MEASURE_SECONDS = 0.2
MOST_PERMITS = 10_000
# A refusal is the store's answer; it may be remembered this long.
REFUSAL_SECONDS = 0.1
RETURN_SECONDS = 0.25


@dataclass(slots=True)
class Lease:
    """Permits of one counter; `name` is what the store knows the lease by, `deadline` is on the monotonic clock."""

    name: str
    given: int
    permits: int
    deadline: float


class Account:
    """One counter as this worker knows it: its leases, how much it is asked for, and the store's last word."""

    __slots__ = ("_count", "_rate", "_since", "counter", "is_asking", "leases", "refused_until", "reset_at", "used")

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.leases: list[Lease] = []
        self.is_asking = False
        self.used = 0
        self.reset_at = 0.0
        self.refused_until = 0.0
        self._count = 0
        self._since = 0.0
        self._rate = 0.0

    def spend(self, now: float) -> Lease | None:
        """Take one permit from a lease that is still good; None when there is none."""
        for lease in self.leases:
            if lease.permits > 0 and lease.deadline > now:
                lease.permits -= 1
                self._count += 1
                return lease
        return None

    def wanted(self, now: float) -> int:
        """Return how many permits to ask for beside the one that is needed now."""
        self._count += 1
        elapsed = now - self._since
        if elapsed > MEASURE_SECONDS:
            # After a silence there is no demand to speak of.
            self._rate = self._count / elapsed if elapsed < 5 else 0.0
            self._count, self._since = 0, now
        return 0 if self.is_asking else min(MOST_PERMITS, int(self._rate * DEMAND_SECONDS))

    def state(self, now: float) -> Taken:
        """Return how the counter stands, as far as this worker knows: unspent permits are not used yet."""
        leases = self.leases
        unspent = leases[0].permits if len(leases) == 1 else sum(lease.permits for lease in leases)
        return Taken(self.counter, max(0, self.used - unspent), max(0, int(self.reset_at - now + 0.999)))

    def due(self, now: float, *, everything: bool = False) -> list[Lease]:
        """Take out the leases that are over or nearly so; return those whose permits can still be given back."""
        kept, returned = [], []
        for lease in self.leases:
            if lease.permits and lease.deadline - RETURN_SECONDS > now and not everything:
                kept.append(lease)
            elif lease.permits and lease.deadline > now:
                returned.append(lease)
        self.leases = kept
        return returned
