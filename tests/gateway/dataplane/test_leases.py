"""Leases against a real Valkey: fewer questions, never a permit too many, none lost to callers that keep asking."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dataplane.allowance import Allowance, Counter
from gateway.dataplane.allowance.counters import SLIDING_WINDOW, TOKEN_BUCKET

URL = os.environ["REDIS_URL"]
DAY = 86_400


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dataplane.allowance.store.DEADLINE_SECONDS", 5.0)


def counter(limit: int, **fields: Any) -> Counter:
    known: dict[str, Any] = {"owner": f"sub_{uuid4().hex}", "limit_id": "day", "window_seconds": DAY}
    return Counter(limit=limit, **{**known, **fields})


async def ask(worker: Allowance, *counters: Counter) -> bool:
    decision = await worker.reserve(uuid4().hex, 1, counters, on_store_error="closed")
    return decision.is_admitted


def with_workers(number: int, work: Callable[[list[Allowance]], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        workers = [Allowance(URL, worker_id=f"w{n}") for n in range(number)]
        for worker in workers:
            worker.start()
        try:
            return await work(workers)
        finally:
            await asyncio.gather(*(worker.close() for worker in workers))

    return asyncio.run(main())


def stored(item: Counter) -> int:
    with redis.Redis.from_url(URL) as link:
        return sum(int(link.get(key) or 0) for key in link.scan_iter(f"{item.key}:*"))


async def keep_asking(worker: Allowance, seconds: float, *counters: Counter) -> int:
    admitted, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        admitted += await ask(worker, *counters)
        await asyncio.sleep(0.001)
    return admitted


def test_a_steady_caller_of_a_roomy_limit_rarely_asks_the_store():
    item = counter(10**6)

    async def work(workers: list[Allowance]) -> tuple[int, Any]:
        return await keep_asking(workers[0], 1.5, item), workers[0].statistics

    admitted, statistics = with_workers(1, work)
    assert statistics.leased > 5 * statistics.asked
    # What was leased and not spent is given back at the end.
    assert stored(item) == admitted


def test_callers_that_keep_asking_get_the_whole_limit_and_never_more():
    item, wide = counter(700), counter(10**6, limit_id="wide")

    async def work(workers: list[Allowance]) -> list[int]:
        return await asyncio.gather(*(keep_asking(worker, 2.5, item, wide) for worker in workers for _ in range(2)))

    assert sum(with_workers(2, work)) == 700
    assert stored(item) == 700
    # A refused call puts back what it took of the other counter; of thousands refused, the few whose lease was over
    # by then are lost.
    assert 700 <= stored(wide) < 720


def test_a_worker_that_dies_takes_its_leases_with_it_and_nobody_exceeds_the_limit():
    item = counter(1000)

    async def work(workers: list[Allowance]) -> tuple[int, int]:
        first = await keep_asking(workers[0], 0.02, item)
        workers[0]._accounts[item.key]._rate = 40.0
        # The next that asks gets a lease of twenty with its permit.
        while not (leases := workers[0]._accounts[item.key].leases):
            first += await ask(workers[0], item)
        unspent = leases[0].permits
        assert unspent == 20
        # It dies without giving anything back.
        workers[0]._accounts.clear()
        workers[0]._holding.clear()
        second = sum(await asyncio.gather(*(keep_asking(workers[1], 3.0, item) for _ in range(2))))
        return first + second, unspent

    admitted, unspent = with_workers(2, work)
    assert admitted == 1000 - unspent


def test_a_return_after_its_deadline_gives_nothing_back():
    item = counter(10**6)

    async def work(workers: list[Allowance]) -> tuple[int, int]:
        (worker,) = workers
        for task in worker._tasks:
            task.cancel()
        admitted = await keep_asking(worker, 0.6, item)
        held = [lease for account in worker._accounts.values() for lease in account.leases]
        assert held
        await asyncio.sleep(1.1)
        for lease in held:
            lease.deadline = time.monotonic() + 60
        await worker._give_back(everything=True)
        return admitted, sum(lease.permits for lease in held)

    admitted, lost = with_workers(1, work)
    assert lost
    assert stored(item) == admitted + lost


@pytest.mark.parametrize("algorithm", [SLIDING_WINDOW, TOKEN_BUCKET])
def test_a_second_never_sees_more_than_its_window_allows(algorithm: str):
    item = counter(300, window_seconds=1, algorithm=algorithm)

    async def one(worker: Allowance, at: list[float]) -> None:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            if await ask(worker, item):
                at.append(time.monotonic())
            await asyncio.sleep(0.0005)

    async def work(workers: list[Allowance]) -> list[float]:
        at: list[float] = []
        await asyncio.gather(*(one(worker, at) for worker in workers for _ in range(3)))
        return sorted(at)

    at = with_workers(2, work)
    # A bucket lets its size through at once, and then what has come back meanwhile.
    most = 300 if algorithm == SLIDING_WINDOW else 600
    for start, moment in enumerate(at):
        inside = sum(1 for other in at[start : start + most + 50] if other < moment + 1)
        assert inside <= most
    assert len(at) >= 500


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(0, 60),
    other=st.integers(0, 60),
    calls=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["both", "first", "second"])), max_size=120),
    deaths=st.sets(st.integers(0, 119), max_size=3),
)
def test_admitted_never_exceeds_any_limit_whoever_dies(limit: int, other: int, calls: Any, deaths: set[int]):
    first, second = counter(limit), counter(other, limit_id="other")
    sets = {"both": (first, second), "first": (first,), "second": (second,)}

    async def work(workers: list[Allowance]) -> None:
        used = {first.key: 0, second.key: 0}
        for number, (who, which) in enumerate(calls):
            if number in deaths:
                workers[who]._accounts.clear()
                workers[who]._holding.clear()
            # Demand that would make a lease large, without the second it takes to measure it.
            for account in workers[who]._accounts.values():
                account._rate = 10.0
            if await ask(workers[who], *sets[which]):
                for item in sets[which]:
                    used[item.key] += 1
            assert used[first.key] <= limit
            assert used[second.key] <= other
        for worker in workers:
            await worker._give_back(everything=True)
        for item in (first, second):
            assert used[item.key] <= stored(item) <= item.limit

    with_workers(3, work)
