"""The allowance against a real Valkey: never more than the limit, all counters or none, and what happens without it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dataplane.allowance import Allowance, Counter, Decision
from gateway.dataplane.errors import LimitsUnavailable
from supervisor.ports import free_port

URL = os.environ["REDIS_URL"]
DAY = 86_400


def counter(limit: int = 60, **fields: Any) -> Counter:
    values = {"owner": f"sub_{uuid4().hex}", "limit_id": "day", "limit": limit, "window_seconds": DAY, **fields}
    return Counter(**values)


def run(work: Callable[[Allowance], Coroutine[Any, Any, Any]], url: str = URL) -> Any:
    async def main() -> Any:
        allowance = Allowance(url, worker_id="w1", workers=2)
        try:
            return await work(allowance)
        finally:
            await allowance.close()

    return asyncio.run(main())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the store seconds: what is counted is judged here, not how fast a busy machine is."""
    monkeypatch.setattr("gateway.dataplane.allowance.store.DEADLINE_SECONDS", 5.0)


def call_id() -> str:
    return uuid4().hex


def stored(item: Counter) -> int:
    """Return what stands in the store for a counter of a day."""
    with redis.Redis.from_url(URL) as link:
        values = [int(link.get(key) or 0) for key in link.scan_iter(f"{item.key}:*")]
    return sum(values)


def test_200_calls_from_two_clients_on_a_limit_of_60_admit_exactly_60(patient) -> None:
    item = counter(60)

    async def main() -> list[Decision]:
        clients = [Allowance(URL, worker_id=f"w{n}") for n in (1, 2)]
        await asyncio.gather(*(client.redis.ping() for client in clients))
        gates = [asyncio.Semaphore(20) for _ in clients]

        async def one(number: int) -> Decision:
            async with gates[number % 2]:
                return await clients[number % 2].reserve(call_id(), 1, [item], on_store_error="closed")

        decisions = await asyncio.gather(*(one(number) for number in range(200)))
        await asyncio.gather(*(client.close() for client in clients))
        return decisions

    decisions = asyncio.run(main())
    assert sum(decision.is_admitted for decision in decisions) == 60
    assert {decision.source for decision in decisions} == {"store"}
    assert stored(item) == 60


def test_one_violated_counter_leaves_all_the_others_untouched(patient) -> None:
    wide, narrow = counter(100), counter(1, limit_id="minute", window_seconds=DAY)

    async def work(allowance: Allowance) -> tuple[Decision, Decision]:
        return (
            await allowance.reserve(call_id(), 1, [wide, narrow]),
            await allowance.reserve(call_id(), 1, [wide, narrow]),
        )

    first, second = run(work)
    assert (first.is_admitted, [taken.used for taken in first.taken]) == (True, [1, 1])
    assert (second.is_admitted, [taken.used for taken in second.taken]) == (False, [1, 1])
    assert [taken.counter.limit_id for taken in second.violated] == ["minute"]
    assert stored(wide) == 1


def test_the_window_is_the_servers_utc_minute_and_goes_away_by_itself() -> None:
    item = counter(5, window_seconds=60)

    async def work(allowance: Allowance) -> tuple[Decision, int, int]:
        decision = await allowance.reserve(call_id(), 1, [item])
        keys = [key async for key in allowance.redis.scan_iter(f"{item.key}:*")]
        return decision, int(keys[0].rsplit(b":", 1)[1]), await allowance.redis.ttl(keys[0])

    decision, start, ttl = run(work)
    assert start % 60 == 0
    assert 1 <= decision.taken[0].reset_seconds <= 60
    assert 60 < ttl <= 60 + 3600


@settings(max_examples=30, deadline=None)
@given(amounts=st.lists(st.integers(1, 10**15), min_size=1, max_size=6), limit=st.integers(1, 2 * 10**15))
def test_amounts_up_to_millions_of_dollars_in_nano_are_exact(amounts: list[int], limit: int) -> None:
    item = counter(limit, unit="nano_usd")
    used, expected = 0, []
    for amount in amounts:
        if used + amount <= limit:
            used += amount
        expected.append(used)

    async def work(allowance: Allowance) -> list[int]:
        found = []
        for amount in amounts:
            asked = Counter(item.owner, item.limit_id, limit, DAY, "nano_usd", amount)
            found.append((await allowance.reserve(call_id(), 1, [asked])).taken[0].used)
        return found

    assert run(work) == expected
    assert stored(item) == used


def test_a_settlement_releases_the_difference_once() -> None:
    item = counter(10**16, unit="nano_usd", amount=5_000_000_000_000_001)
    one = call_id()

    async def work(allowance: Allowance) -> list[bool]:
        await allowance.reserve(one, 1, [item])
        return [await allowance.settle(one, 1, [item], [2]) for _ in range(2)]

    assert run(work) == [True, False]
    assert stored(item) == 2


def test_reserving_twice_for_one_call_and_attempt_takes_once(patient) -> None:
    item = counter(10, unit="tokens", amount=7)
    one = call_id()

    async def work(allowance: Allowance) -> list[Decision]:
        return [await allowance.reserve(one, 1, [item]), await allowance.reserve(one, 1, [item])]

    first, second = run(work)
    assert first.is_admitted and second.is_admitted
    assert stored(item) == 7


def test_more_than_reserved_is_booked_as_well() -> None:
    item = counter(10, unit="tokens", amount=7)
    one = call_id()

    async def work(allowance: Allowance) -> Decision:
        await allowance.reserve(one, 1, [item])
        await allowance.settle(one, 1, [item], [12])
        return await allowance.reserve(call_id(), 1, [Counter(item.owner, "day", 10, DAY, "tokens", 1)])

    assert not run(work).is_admitted
    assert stored(item) == 12


def test_the_script_is_sent_again_when_the_store_forgot_it() -> None:
    async def work(allowance: Allowance) -> Decision:
        await allowance.redis.script_flush()
        return await allowance.reserve(call_id(), 1, [counter(1)], on_store_error="open")

    decision = run(work)
    assert decision.is_admitted and decision.source == "store"


@pytest.mark.parametrize(("rule", "admitted"), [("open", 10), ("local", 5)])
def test_without_the_store_the_plan_decides(rule: str, admitted: int) -> None:
    item = counter(10)

    async def work(allowance: Allowance) -> list[Decision]:
        return [await allowance.reserve(call_id(), 1, [item], on_store_error=rule) for _ in range(10)]

    decisions = run(work, f"redis://127.0.0.1:{free_port()}/0")
    assert sum(decision.is_admitted for decision in decisions) == admitted
    assert {decision.source for decision in decisions} == {rule}


def test_without_the_store_a_closed_plan_refuses_and_says_when_to_come_back() -> None:
    async def work(allowance: Allowance) -> None:
        await allowance.reserve(call_id(), 1, [counter(10)], on_store_error="closed")

    with pytest.raises(LimitsUnavailable) as caught:
        run(work, f"redis://127.0.0.1:{free_port()}/0")
    assert (b"retry-after", b"1") in caught.value.headers


def test_without_the_store_money_is_closed_whatever_the_plan_says() -> None:
    async def work(allowance: Allowance) -> None:
        await allowance.reserve(call_id(), 1, [counter(10), counter(10, unit="nano_usd")], on_store_error="open")

    with pytest.raises(LimitsUnavailable):
        run(work, f"redis://127.0.0.1:{free_port()}/0")


def test_a_store_that_hangs_is_asked_no_longer_after_some_calls() -> None:
    asked = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    async def main() -> list[Decision]:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        allowance = Allowance(f"redis://127.0.0.1:{port}/0", worker_id="w1")
        decisions = [await allowance.reserve(call_id(), 1, [counter(10)], on_store_error="open") for _ in range(40)]
        assert not allowance.is_store_up
        await allowance.close()
        server.close()
        await server.wait_closed()
        return decisions

    decisions = asyncio.run(main())
    assert {decision.source for decision in decisions} == {"open"}
    assert 1 <= asked <= 8


def test_the_breaker_closes_again_once_the_store_answers() -> None:
    async def main() -> str:
        allowance = Allowance(URL, worker_id="w1")
        for _ in range(5):
            allowance.store.breaker.failed(TimeoutError())
        assert (await allowance.reserve(call_id(), 1, [counter(9)], on_store_error="open")).source == "open"
        allowance.store.breaker._open_until = 0.0
        source = (await allowance.reserve(call_id(), 1, [counter(9)], on_store_error="open")).source
        await allowance.close()
        return source

    assert asyncio.run(main()) == "store"


def test_the_heartbeat_counts_the_workers_that_live(patient) -> None:
    async def main() -> int:
        with redis.Redis.from_url(URL) as link:
            link.delete("gh:workers")
        clients = [Allowance(URL, worker_id=f"{uuid4().hex}/w{n}", workers=1) for n in range(3)]
        for client in clients:
            await client._count_workers()
        seen = await clients[0]._count_workers()
        await clients[0].redis.delete("gh:workers")
        await asyncio.gather(*(client.close() for client in clients))
        return seen

    assert asyncio.run(main()) == 3
