"""How old the numbers are, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.clock import now
from usage.models import Progress

LATE_AFTER = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Freshness:
    """All calls that reached the ledger before `as_of` are counted; `reason` says why that is long ago."""

    as_of: datetime | None
    is_late: bool
    reason: str = ""

    @property
    def late_seconds(self) -> int:
        """Return how many seconds behind the numbers are; 0 when they were never counted."""
        return max(0, int((now() - self.as_of).total_seconds())) if self.as_of else 0


def freshness() -> Freshness:
    """Say how old the rollups are."""
    progress = Progress.objects.first()
    if progress is None:
        return Freshness(None, True, "Usage has not been counted yet: the background worker has not run.")
    return freshness_of(progress.as_of, progress.ran_at)


def freshness_of(as_of: datetime, ran_at: datetime | None = None) -> Freshness:
    """Judge numbers that are right up to `as_of`, counted by a run at `ran_at`."""
    moment = now()
    if moment - as_of <= LATE_AFTER:
        return Freshness(as_of, False)
    if ran_at is not None and moment - ran_at <= LATE_AFTER:
        return Freshness(as_of, True, f"The background worker is catching up; it is counting {_clock(as_of)}.")
    return Freshness(as_of, True, f"The background worker has not counted since {_clock(ran_at or as_of)}.")


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M} UTC"
