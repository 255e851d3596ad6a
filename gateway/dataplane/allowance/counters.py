"""What a call takes from: a counter of somebody's limit, and how it stood when the call was decided."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.dataplane.records import LimitRecord

# Algorithms, as `LimitRecord.algorithm` names them.
FIXED_WINDOW = "fixed_window"
SLIDING_WINDOW = "sliding_window"
TOKEN_BUCKET = "token_bucket"  # noqa: S105  the algorithm's name
DAY_SECONDS = 86_400
# Units that cost somebody: their counters are hard, and close when the store has lost what was spent.
HARD_UNITS = frozenset({"tokens", "nano_usd"})


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of a call: whose (`owner`, public ids), which limit, and how much the call takes of it.

    `window_seconds` is the fixed window's length, the sliding one's, or the time in which an empty bucket is full
    again. `calendar` is "" or `day` or `month` in `time_zone`: then the window is that, and `window_seconds` only says
    about how long it is.
    """

    owner: str
    limit_id: str
    limit: int
    window_seconds: int
    unit: str = "requests"
    amount: int = 1
    algorithm: str = FIXED_WINDOW
    calendar: str = ""
    time_zone: str = "UTC"
    # Its name in the store, without the window: public ids only, never a secret.
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"gh:limit:{self.limit_id}:{self.calendar or self.window_seconds}:{self.owner}")

    @property
    def is_settled_later(self) -> bool:
        """Say whether the amount is a worst case that `settle` corrects."""
        return self.unit != "requests"

    @property
    def is_hard(self) -> bool:
        """Say whether it is a budget of money or tokens."""
        return self.unit in HARD_UNITS


def counter_of(limit: LimitRecord, plan_id: str, ids: Mapping[str, str], environment: str = "") -> Counter:
    """Return a limit's counter for a caller.

    `ids` are the public ids of its subscription, key, application, team, api and upstream. What several subscriptions
    share is counted within their plan. Each environment counts for itself ("" is production), but for limits by
    upstream: whose server is the same, its calls are counted together.
    """
    if limit.by == "subscription":
        owner = ids["subscription"]
    elif limit.by == "key":
        owner = f"{ids['subscription']}:{ids['key']}"
    else:
        owner = f"{plan_id}:{ids[limit.by]}"
    if environment and limit.by != "upstream":
        owner = f"{owner}~{environment}"
    return Counter(
        owner,
        limit.id,
        limit.limit,
        limit.window_seconds,
        limit.unit,
        algorithm=limit.algorithm,
        calendar=limit.calendar,
        time_zone=limit.time_zone,
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """How a counter stands after the call was decided: what is used, and seconds until its window ends."""

    counter: Counter
    used: int
    reset_seconds: int
    is_violated: bool = False

    @property
    def remaining(self) -> int:
        """Return what is left in the window, never below zero."""
        return max(0, self.counter.limit - self.used)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one call.

    `source` is store, lease (spent from what the store gave before), or local and open: then the store was away.
    """

    is_admitted: bool
    taken: tuple[Taken, ...] = ()
    source: str = "store"

    @property
    def violated(self) -> tuple[Taken, ...]:
        """Return the counters that refused, the one that frees last first."""
        refusing = [taken for taken in self.taken if taken.is_violated]
        return tuple(sorted(refusing, key=lambda taken: -taken.reset_seconds))


def calendar_bounds(calendar: str, time_zone: str, now: float) -> tuple[int, int, int, int]:
    """Return start and end of this window and of the next one, in epoch seconds.

    The days of a zone are as long as its clocks make them: 23 or 25 hours where they change.
    """
    start = datetime.fromtimestamp(now, ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    if calendar == "month":
        start = start.replace(day=1)
    second = _next(calendar, start)
    first, middle, last = (int(moment.timestamp()) for moment in (start, second, _next(calendar, second)))
    return first, middle, middle, last


def _next(calendar: str, start: datetime) -> datetime:
    """Return the midnight on which the window after this one begins."""
    days = 32 if calendar == "month" else 1
    # Arithmetic on the wall clock of the zone, so that it is midnight there.
    following = start + timedelta(days=days)
    return following.replace(day=1) if calendar == "month" else following


class Bounds:
    """Remembers the calendar windows until this one is over."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[int, int, int, int]] = {}

    def of(self, counter: Counter) -> tuple[int, int, int, int] | None:
        """Return the bounds of a calendar counter, None for another one."""
        if not counter.calendar:
            return None
        place, now = (counter.calendar, counter.time_zone), time.time()
        known = self._known.get(place)
        # The store may be ahead of us, so the next one is sent as well; a clock that was set back asks anew.
        if known is None or not known[0] <= now < known[1]:
            known = self._known[place] = calendar_bounds(*place, now)
        return known
