"""The allowance: counters in Valkey, taken for all of a call's limits at once or for none.

One script call per reservation, 50 ms at most, behind a breaker. When the store cannot be asked, the plan decides:
`open` admits, `closed` refuses, `local` counts in this process up to limit / workers last seen. Token and money
counters are closed whatever the plan says. A take that timed out counts as spent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from gateway.dataplane.errors import LimitsUnavailable

log = logging.getLogger("gatehouse.allowance")

SCRIPT = (Path(__file__).with_name("allowance.lua")).read_text()
SCRIPT_SHA = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
DEADLINE_SECONDS = 0.05
BREAKER_FAILURES = 5
BREAKER_SECONDS = 1.0
HEARTBEAT_SECONDS = 2.0
WORKER_LIFE_SECONDS = 10.0
WORKERS_KEY = "gh:workers"
LOCAL_COUNTERS = 10_000
# These may be guessed at while the store is away; what costs money or tokens may not.
GUESSABLE_UNITS = frozenset({"requests", "bytes", "concurrent"})


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of a call: whose (`owner`, a public id), which limit, and how much the call takes of it."""

    owner: str
    limit_id: str
    limit: int
    window_seconds: int
    unit: str = "requests"
    amount: int = 1

    @property
    def key(self) -> str:
        """Return its name in Valkey, without the window: public ids only, never a secret."""
        return f"gh:limit:{self.limit_id}:{self.window_seconds}:{self.owner}"

    @property
    def is_settled_later(self) -> bool:
        """Say whether the amount is a worst case that `settle` corrects."""
        return self.unit != "requests"


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
    """The answer for one call. `source` is store, local or open: local and open mean that the store was not asked."""

    is_admitted: bool
    taken: tuple[Taken, ...] = ()
    source: str = "store"

    @property
    def violated(self) -> tuple[Taken, ...]:
        """Return the counters that refused, the one that frees last first."""
        refusing = [taken for taken in self.taken if taken.is_violated]
        return tuple(sorted(refusing, key=lambda taken: -taken.reset_seconds))


class StoreDown(Exception):  # noqa: N818  a state of the store, translated before it leaves this module
    """The store did not answer in time, or the breaker is open."""


class Allowance:
    """The counters as one worker sees them. `workers_seen` is kept by the heartbeat and feeds the local fallback."""

    def __init__(self, redis_url: str, *, worker_id: str = "", workers: int = 2) -> None:
        self.workers_seen = max(1, workers)
        self.redis: Redis = connect(redis_url)
        self._worker_id = worker_id
        self._breaker = _Breaker()
        self._local = _LocalCounters()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_store_up(self) -> bool:
        """Say whether the last calls to the store were answered."""
        return not self._breaker.is_open

    def start(self) -> None:
        """Start telling the store that this worker lives, and learning how many others do."""
        self._task = asyncio.get_running_loop().create_task(self._beat(), name="allowance")

    async def close(self) -> None:
        """Stop the heartbeat and let the connections go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.redis.aclose()

    async def reserve(
        self, call_id: str, attempt: int, counters: Sequence[Counter], *, on_store_error: str = "local"
    ) -> Decision:
        """Take every counter or none; repeating it for the same call and attempt takes nothing more once settled later.

        Raise LimitsUnavailable when the store is away and the plan, or the unit, closes then.
        """
        if not counters:
            return Decision(is_admitted=True)
        settles = any(counter.is_settled_later for counter in counters)
        keys = [_reservation_key(call_id, attempt) if settles else "", *(counter.key for counter in counters)]
        arguments: list[str | int] = ["reserve"]
        for counter in counters:
            arguments += [counter.limit, counter.window_seconds, counter.amount, int(counter.is_settled_later)]
        try:
            answer = await self._run(keys, arguments)
        except StoreDown:
            return self._decide_alone(counters, on_store_error)
        return _read_decision(counters, answer)

    async def settle(self, call_id: str, attempt: int, counters: Sequence[Counter], actual: Sequence[int]) -> bool:
        """Correct a reservation to what was used; say whether it was still open. Never raises for a store that is away.

        Unsettled, a reservation stands at its worst case until its window ends.
        """
        open_ones = [(c, amount) for c, amount in zip(counters, actual, strict=True) if c.is_settled_later]
        if not open_ones:
            return False
        keys = [_reservation_key(call_id, attempt), *(counter.key for counter, _ in open_ones)]
        try:
            answer = await self._run(keys, ["settle", *(amount for _, amount in open_ones)])
        except StoreDown:
            return False
        return int(answer[0]) == 1

    async def _run(self, keys: list[str], arguments: list[str | int]) -> list[bytes | int]:
        if not self._breaker.lets_through():
            raise StoreDown
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await self._evaluate(keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._breaker.failed(error)
            raise StoreDown from error
        self._breaker.answered()
        return answer

    async def _evaluate(self, keys: list[str], arguments: list[str | int]) -> list[bytes | int]:
        answer: Any
        try:
            answer = await self.redis.evalsha(SCRIPT_SHA, len(keys), *keys, *arguments)
        except NoScriptError:
            answer = await self.redis.eval(SCRIPT, len(keys), *keys, *arguments)
        return cast(list[bytes | int], answer)

    def _decide_alone(self, counters: Sequence[Counter], on_store_error: str) -> Decision:
        is_guessable = all(counter.unit in GUESSABLE_UNITS for counter in counters)
        if on_store_error == "closed" or not is_guessable:
            raise LimitsUnavailable(
                "The store of limits does not answer, and this plan takes no call unchecked. Try again in 1 s.",
                headers=[(b"retry-after", b"1")],
            )
        if on_store_error == "open":
            return Decision(is_admitted=True, source="open")
        return self._local.take(counters, self.workers_seen, now=int(time.time()))

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                self.workers_seen = max(1, await self._count_workers())
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _count_workers(self) -> int:
        now = time.time()
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.zadd(WORKERS_KEY, {self._worker_id: now})
                pipe.zremrangebyscore(WORKERS_KEY, 0, now - WORKER_LIFE_SECONDS)
                pipe.zcard(WORKERS_KEY)
                return int((await pipe.execute())[2])


class _Breaker:
    """Spares every call the deadline once the store has missed some in a row; one call in a while tries again."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= BREAKER_FAILURES

    def lets_through(self) -> bool:
        if not self.is_open:
            return True
        now = time.monotonic()
        if now < self._open_until:
            return False
        # Only this call tries; the others wait for what it finds.
        self._open_until = now + BREAKER_SECONDS
        return True

    def failed(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures == BREAKER_FAILURES:
            log.error("event=limit_store_down reason=%s", type(error).__name__)
        if self.is_open:
            self._open_until = time.monotonic() + BREAKER_SECONDS

    def answered(self) -> None:
        if self.is_open:
            log.warning("event=limit_store_up")
        self._failures = 0


class _LocalCounters:
    """Fixed windows of this process, used while the store is away."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], int] = {}

    def take(self, counters: Sequence[Counter], workers: int, *, now: int) -> Decision:
        if len(self._used) > LOCAL_COUNTERS:
            self._forget(now)
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

    def _forget(self, now: int) -> None:
        self._used = {place: used for place, used in self._used.items() if place[1] > now - 86_400}


def connect(redis_url: str) -> Redis:
    """Return the worker's client: no retries of its own, since the deadline is ours."""
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=64,
        timeout=DEADLINE_SECONDS,
        socket_connect_timeout=1.0,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def _reservation_key(call_id: str, attempt: int) -> str:
    return f"gh:reserved:{call_id}:{attempt}"


def _read_decision(counters: Sequence[Counter], answer: list[bytes | int]) -> Decision:
    is_admitted = int(answer[0]) == 1
    taken = []
    for place, counter in enumerate(counters):
        used, reset = int(answer[1 + place * 2]), int(answer[2 + place * 2])
        is_violated = not is_admitted and used + counter.amount > counter.limit
        taken.append(Taken(counter, used, reset, is_violated))
    return Decision(is_admitted, tuple(taken))
