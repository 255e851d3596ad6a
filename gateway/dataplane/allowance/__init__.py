"""The allowance: counters in Valkey, taken for all of a call's limits at once or for none.

One script call per reservation at most; a worker that asks often is given permits in advance (`leases`) and spends
them without asking. When the store cannot be asked, the plan decides: `open` admits, `closed` refuses, `local` counts
in this process up to limit / workers last seen. Token and money counters are closed whatever the plan says.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from redis.exceptions import RedisError

from gateway.dataplane import tasks
from gateway.dataplane.allowance.counters import Bounds, Counter, Decision, Taken
from gateway.dataplane.allowance.leases import REFUSAL_SECONDS, Account, Lease
from gateway.dataplane.allowance.local import LocalCounters
from gateway.dataplane.allowance.slots import Slots
from gateway.dataplane.allowance.store import Script, Store, StoreDown
from gateway.dataplane.errors import LimitsUnavailable

__all__ = ["Allowance", "Counter", "Decision", "Taken"]

TAKE = Script("take.lua")
CORRECT = Script("correct.lua")
HEARTBEAT_SECONDS = 1.0
WORKER_LIFE_SECONDS = 10.0
WORKERS_KEY = "gh:workers"
TICK_SECONDS = 0.1
ACCOUNTS = 50_000
# These may be guessed at while the store is away; what costs money or tokens may not.
GUESSABLE_UNITS = frozenset({"requests", "bytes", "concurrent"})


@dataclass(slots=True)
class Statistics:
    """How often the store was asked, and how often a lease made that needless; both only grow."""

    asked: int = 0
    leased: int = 0


class Allowance:
    """The counters as one worker sees them. `workers_seen` is kept by the heartbeat and feeds the local fallback."""

    def __init__(self, redis_url: str, *, worker_id: str = "", workers: int = 2) -> None:
        self.workers_seen = max(1, workers)
        self.statistics = Statistics()
        self.store = Store(redis_url)
        self.redis = self.store.redis
        # Unique to this life of the worker: a lease of a former one is not ours to return.
        self._name = f"{worker_id}:{time.time_ns()}"
        self._worker_id = worker_id
        self.slots = Slots(self.store, self._name, lambda: self.workers_seen)
        self._local = LocalCounters()
        self._bounds = Bounds()
        self._accounts: dict[str, Account] = {}
        self._holding: dict[str, Account] = {}
        self._numbers = count(1)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_store_up(self) -> bool:
        """Say whether the last calls to the store were answered."""
        return not self.store.breaker.is_open

    def start(self) -> None:
        """Start telling the store that this worker lives, and giving back what leases did not spend."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._beat(), name="allowance heartbeat"),
            loop.create_task(self._give_back_for_ever(), name="allowance leases"),
        ]

    async def close(self) -> None:
        """Stop the tasks, give back what is unspent and let the connections go."""
        await tasks.end(self._tasks)
        await self._give_back(everything=True)
        await self.redis.aclose()

    async def reserve(
        self, call_id: str, attempt: int, counters: Sequence[Counter], *, on_store_error: str = "local"
    ) -> Decision:
        """Take every counter or none; repeating it for the same call and attempt takes nothing more once settled later.

        Raise LimitsUnavailable when the store is away and the plan, or the unit, closes then.
        """
        now = time.monotonic()
        missing: list[Counter] = []
        spent: list[tuple[Account, Lease]] = []
        for counter in counters:
            account = self._accounts.get(counter.key)
            lease = None if account is None else account.spend(now)
            if account is None or lease is None:
                missing.append(counter)
            else:
                spent.append((account, lease))
        if not missing:
            self.statistics.leased += 1
            return Decision(True, tuple([account.state(now) for account, _ in spent]), "lease")
        decision = self._remembered_refusal(missing, now)
        if decision is None:
            try:
                decision = await self._ask(call_id, attempt, missing)
            except StoreDown:
                _put_back(spent)
                return self._decide_alone(counters, on_store_error)
            except LimitsUnavailable:
                _put_back(spent)
                raise
        if not decision.is_admitted:
            _put_back(spent)
        if spent:
            found = {taken.counter.key: taken for taken in decision.taken}
            states = [found.get(c.key) or self._accounts[c.key].state(now) for c in counters]
            decision = Decision(decision.is_admitted, tuple(states), decision.source)
        return decision

    def _remembered_refusal(self, counters: Sequence[Counter], now: float) -> Decision | None:
        for counter in counters:
            account = self._accounts.get(counter.key)
            if account is not None and account.refused_until > now and not counter.is_settled_later:
                state = account.state(now)
                return Decision(False, (Taken(counter, state.used, state.reset_seconds, is_violated=True),))
        return None

    async def _ask(self, call_id: str, attempt: int, counters: Sequence[Counter]) -> Decision:
        self.statistics.asked += 1
        asked_at = time.monotonic()
        accounts = [self._account(counter) for counter in counters]
        extras = [0 if account is None else account.wanted(asked_at) for account in accounts]
        settles = any(counter.is_settled_later for counter in counters)
        lease_name = f"gh:lease:{self._name}:{next(self._numbers)}" if any(extras) else ""
        keys = [_reservation_key(call_id, attempt) if settles else "", lease_name, *(c.key for c in counters)]
        arguments: list[str | int] = []
        for counter, extra in zip(counters, extras, strict=True):
            bounds = self._bounds.of(counter)
            arguments += (
                counter.algorithm, counter.limit, counter.amount, extra, _settled(counter),
                counter.window_seconds * 1000, *([moment * 1000 for moment in bounds] if bounds else ("", "", "", "")),
            )  # fmt: skip
        asking = [account for account, extra in zip(accounts, extras, strict=True) if account is not None and extra]
        for account in asking:
            account.is_asking = True
        try:
            answer = await self.store.run(TAKE, keys, arguments)
        finally:
            for account in asking:
                account.is_asking = False
        if int(answer[0]) < 0:
            raise LimitsUnavailable(
                "The store of limits has lost what was spent. Budgets open again once that is counted from the ledger.",
                headers=[(b"retry-after", b"5")],
            )
        return self._read(counters, accounts, answer, asked_at, lease_name)

    def _read(
        self,
        counters: Sequence[Counter],
        accounts: Sequence[Account | None],
        answer: list[Any],
        asked_at: float,
        lease_name: str,
    ) -> Decision:
        is_admitted, deadline = int(answer[0]) == 1, asked_at + int(answer[1]) / 1000
        states = []
        for place, (counter, account) in enumerate(zip(counters, accounts, strict=True)):
            used, reset_ms, given, refuses = (int(value) for value in answer[2 + place * 4 : 6 + place * 4])
            states.append(Taken(counter, used - given, -(-reset_ms // 1000), bool(refuses)))
            if account is None:
                continue
            account.used, account.reset_at = used, asked_at + reset_ms / 1000
            if given:
                account.leases.append(Lease(lease_name, given, given, deadline))
                self._holding[counter.key] = account
            if refuses:
                account.refused_until = asked_at + min(REFUSAL_SECONDS, reset_ms / 1000)
        return Decision(is_admitted, tuple(states))

    def _account(self, counter: Counter) -> Account | None:
        """Return what this worker knows of a counter; None for one settled later: nothing of it is leased."""
        if counter.is_settled_later:
            return None
        account = self._accounts.get(counter.key)
        if account is None:
            if len(self._accounts) >= ACCOUNTS:
                self._accounts = dict(self._holding)
            account = self._accounts[counter.key] = Account(counter)
        elif account.counter is not counter and account.counter != counter:
            # The plan was changed: what was given under the old limit stays good until it ends.
            account.counter = counter
        return account

    async def settle(self, call_id: str, attempt: int, counters: Sequence[Counter], actual: Sequence[int]) -> bool:
        """Correct a reservation to what was used; say whether it was still open. Never raises for a store that is away.

        Unsettled, a reservation stands at its worst case until its window ends.
        """
        open_ones = [(c, amount) for c, amount in zip(counters, actual, strict=True) if c.is_settled_later]
        if not open_ones:
            return False
        keys = [_reservation_key(call_id, attempt), *(counter.key for counter, _ in open_ones)]
        try:
            return int(await self.store.run(CORRECT, keys, [amount for _, amount in open_ones])) > 0
        except StoreDown:
            return False

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

    async def _give_back_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self._give_back()

    async def _give_back(self, *, everything: bool = False) -> None:
        """Return what is unspent of leases about to end. A return that is not answered is not repeated."""
        now = time.monotonic()
        spent: dict[str, dict[str, int]] = {}
        for key, account in [*self._holding.items()]:
            for lease in account.due(now, everything=everything):
                spent.setdefault(lease.name, {})[key] = lease.given - lease.permits
            if not account.leases:
                del self._holding[key]
        for name, amounts in spent.items():
            with contextlib.suppress(StoreDown):
                await self.store.run(CORRECT, [name, *amounts], [*amounts.values()])

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                self.workers_seen = max(1, await self._count_workers())
            await self.slots.beat()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _count_workers(self) -> int:
        now = time.time()
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.zadd(WORKERS_KEY, {self._worker_id: now})
                pipe.zremrangebyscore(WORKERS_KEY, 0, now - WORKER_LIFE_SECONDS)
                pipe.zcard(WORKERS_KEY)
                return int((await pipe.execute())[2])


def _put_back(spent: Sequence[tuple[Account, Lease]]) -> None:
    """Give permits back to the leases they came from: the call they were meant for was refused."""
    for _, lease in spent:
        lease.permits += 1


def _settled(counter: Counter) -> str:
    if counter.is_hard:
        return "2"
    return "1" if counter.is_settled_later else ""


def _reservation_key(call_id: str, attempt: int) -> str:
    return f"gh:reserved:{call_id}:{attempt}"
