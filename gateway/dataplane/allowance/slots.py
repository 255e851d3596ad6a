"""Concurrency: slots that belong to a worker as long as its heart beats, and a bounded queue for those who wait.

A call that finds no slot waits where its plan has a queue: by priority, then by arrival. A slot that comes free goes
to the next who waits here; what other workers give back is asked for twenty times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from redis.exceptions import RedisError

from gateway.dataplane.allowance.counters import Counter
from gateway.dataplane.allowance.store import Script, Store, StoreDown
from gateway.dataplane.errors import LimitsUnavailable

SLOTS = Script("slots.lua")
HEARTBEAT_MS = 3000
ASK_SECONDS = 0.05
SPARE_SLOTS = 8
# Below this many free ones a slot is given back at once instead of being kept for the worker's next call.
ROOM = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """How a plan lets calls wait for a slot: how many in this worker, how long, and who comes first (higher first)."""

    size: int = 0
    seconds: float = 0.0
    priority: int = 0


@dataclass(slots=True)
class _Limit:
    """One concurrency limit as this worker knows it."""

    counter: Counter
    in_use: int = 0
    spare: int = 0
    total: int = 0
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)

    @property
    def has_room(self) -> bool:
        return self.counter.limit - self.total > ROOM


class Refused(Exception):  # noqa: N818  an answer, translated before it leaves the policies
    """There is no slot: `total` are in use, and the queue is full, absent or too slow."""

    def __init__(self, counter: Counter, total: int) -> None:
        super().__init__(counter.limit_id)
        self.counter, self.total = counter, total


class Slots:
    """The slots of one worker. `name` is unique to its life, so that a new one never frees what the old one held."""

    def __init__(self, store: Store, name: str, workers_seen: Callable[[], int]) -> None:
        self._store = store
        self._name = name
        self._workers_seen = workers_seen
        self._limits: dict[str, _Limit] = {}
        self._order = count()

    @property
    def queue_depth(self) -> int:
        """Return how many calls wait here."""
        return sum(len(limit.waiting) for limit in self._limits.values())

    async def acquire(self, counter: Counter, queue: Queue, *, on_store_error: str) -> Slot:
        """Return a slot, to be released however the call ends; raise Refused or LimitsUnavailable."""
        limit = self._limits.get(counter.key)
        if limit is None:
            limit = self._limits[counter.key] = _Limit(counter)
        limit.counter = counter
        if limit.spare and not limit.waiting:
            limit.spare -= 1
        elif limit.waiting or not await self._ask(limit, on_store_error):
            await self._wait(limit, queue, on_store_error)
        limit.in_use += 1
        return Slot(self, limit)

    async def _ask(self, limit: _Limit, on_store_error: str) -> bool:
        wanted = 1 + (SPARE_SLOTS if limit.in_use else 0)
        try:
            given = await self._change(limit, wanted)
        except StoreDown as error:
            if on_store_error == "closed":
                raise LimitsUnavailable(
                    "The store of limits does not answer, and this plan takes no call unchecked. Try again in 1 s.",
                    headers=[(b"retry-after", b"1")],
                ) from error
            return on_store_error == "open" or limit.in_use < limit.counter.limit // self._workers_seen()
        limit.spare += max(0, given - 1)
        return given > 0

    async def _change(self, limit: _Limit, wanted: int) -> int:
        keys = [limit.counter.key, f"gh:alive:{self._name}"]
        given, limit.total = await self._store.run(SLOTS, keys, [self._name, limit.counter.limit, wanted, HEARTBEAT_MS])
        return int(given)

    async def _wait(self, limit: _Limit, queue: Queue, on_store_error: str) -> None:
        if len(limit.waiting) >= queue.size:
            raise Refused(limit.counter, limit.total)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        entry = (-queue.priority, next(self._order), turn)
        heapq.heappush(limit.waiting, entry)
        until = loop.time() + queue.seconds
        try:
            while not turn.done():
                left = until - loop.time()
                if left <= 0:
                    raise Refused(limit.counter, limit.total)
                await asyncio.wait((turn,), timeout=min(ASK_SECONDS, left))
                # Only who is first asks for others: the store would be asked by each of them otherwise.
                is_first = limit.waiting and limit.waiting[0] is entry
                if not turn.done() and is_first and await self._ask(limit, on_store_error):
                    if turn.done():
                        # One was handed over meanwhile: the second goes on to the next.
                        self._pass_on(limit)
                    return
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._pass_on(limit)
            raise
        finally:
            with contextlib.suppress(ValueError):
                limit.waiting.remove(entry)
                heapq.heapify(limit.waiting)

    def _pass_on(self, limit: _Limit) -> None:
        """Give a free slot to the next who waits, keep it, or give it back."""
        while limit.waiting:
            _, _, turn = heapq.heappop(limit.waiting)
            if not turn.done():
                turn.set_result(None)
                return
        limit.spare += 1

    def release(self, limit: _Limit) -> bool:
        """Take a slot back; say whether it should be returned to the store at once."""
        limit.in_use -= 1
        self._pass_on(limit)
        return limit.spare > 0 and not (limit.has_room and limit.spare <= SPARE_SLOTS)

    async def give_back(self, limit: _Limit) -> None:
        """Return the slots that nobody uses here. Unanswered, they are free once this worker's heart has stopped."""
        spare, limit.spare = limit.spare, 0
        if spare:
            with contextlib.suppress(StoreDown):
                await self._change(limit, -spare)

    async def beat(self) -> None:
        """Keep this worker's slots, give back those unused for a while."""
        busy = [limit for limit in self._limits.values() if limit.in_use or limit.spare or limit.waiting]
        for limit in busy:
            if limit.spare:
                await self.give_back(limit)
        if busy:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(ASK_SECONDS * 10):
                    await self._store.redis.set(f"gh:alive:{self._name}", "1", px=HEARTBEAT_MS)
        self._limits = {limit.counter.key: limit for limit in busy}


@dataclass(slots=True)
class Slot:
    """One call's slot."""

    _slots: Slots
    _limit: _Limit

    async def release(self) -> None:
        """Let the next one in."""
        if self._slots.release(self._limit):
            await self._slots.give_back(self._limit)
