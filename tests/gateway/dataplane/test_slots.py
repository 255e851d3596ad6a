"""Concurrency slots against a real Valkey: never more at once than the limit, a queue in order, and no slot lost."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis

from gateway.dataplane.allowance import Allowance, Counter
from gateway.dataplane.allowance.slots import Queue, Refused, Slot
from gateway.dataplane.errors import LimitsUnavailable
from gateway.dataplane.records import LimitRecord
from supervisor.ports import free_port
from tests.gateway.worker import Worker, change, plan, world

URL = os.environ["REDIS_URL"]
NO_QUEUE = Queue()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dataplane.allowance.store.DEADLINE_SECONDS", 5.0)


def slots_of(limit: int) -> Counter:
    return Counter(f"sub_{uuid4().hex}", "slots", limit, 0, "concurrent")


async def take(worker: Allowance, item: Counter, queue: Queue = NO_QUEUE) -> Slot:
    return await worker.slots.acquire(item, queue, on_store_error="closed")


def held(item: Counter) -> int:
    with redis.Redis.from_url(URL) as link:
        return sum(int(value) for value in link.hvals(item.key))


def test_a_limit_holds_over_two_workers_and_every_slot_comes_back():
    item, most = slots_of(7), 0

    async def call(worker: Allowance, running: set[object]) -> bool:
        nonlocal most
        try:
            slot = await take(worker, item)
        except Refused:
            return False
        me = object()
        running.add(me)
        most = max(most, len(running))
        await asyncio.sleep(0.01)
        running.discard(me)
        await slot.release()
        return True

    async def main() -> int:
        workers = [Allowance(URL, worker_id=f"w{n}") for n in (1, 2)]
        running: set[object] = set()
        served = 0
        for _ in range(20):
            served += sum(await asyncio.gather(*(call(workers[n % 2], running) for n in range(20))))
        for worker in workers:
            await worker.slots.beat()
            await worker.close()
        return served

    served = asyncio.run(main())
    assert most == 7
    assert served >= 7 * 20
    assert held(item) == 0


def test_calls_that_wait_come_by_priority_then_in_order():
    item = slots_of(1)

    async def main() -> list[str]:
        worker = Allowance(URL, worker_id="w1")
        first, order = await take(worker, item), []

        async def wait(name: str, priority: int) -> None:
            slot = await take(worker, item, Queue(10, 5.0, priority))
            order.append(name)
            await slot.release()

        waiting = []
        for name, priority in (("low", 0), ("high", 9), ("also low", 0), ("also high", 9)):
            waiting.append(asyncio.create_task(wait(name, priority)))
            await asyncio.sleep(0.01)
        assert worker.slots.queue_depth == 4
        await first.release()
        await asyncio.gather(*waiting)
        await worker.close()
        return order

    assert asyncio.run(main()) == ["high", "also high", "low", "also low"]
    assert held(item) == 0


def test_a_full_queue_and_a_long_wait_are_refused_and_a_caller_that_leaves_frees_its_place():
    item = slots_of(1)

    async def main() -> None:
        worker = Allowance(URL, worker_id="w1")
        first = await take(worker, item)
        with pytest.raises(Refused):
            await take(worker, item, Queue(1, 0.1))
        leaver = asyncio.create_task(take(worker, item, Queue(1, 5.0)))
        await asyncio.sleep(0.02)
        with pytest.raises(Refused):
            await take(worker, item, Queue(1, 5.0))
        leaver.cancel()
        await asyncio.wait([leaver])
        assert worker.slots.queue_depth == 0
        patient = asyncio.create_task(take(worker, item, Queue(1, 5.0)))
        await asyncio.sleep(0.02)
        await first.release()
        await (await patient).release()
        await worker.close()

    asyncio.run(main())
    assert held(item) == 0


def test_the_slots_of_a_worker_that_died_are_free_once_its_heart_has_stopped():
    item = slots_of(2)

    async def main() -> float:
        dead, alive = Allowance(URL, worker_id="w1"), Allowance(URL, worker_id="w2")
        await take(dead, item)
        await take(dead, item)
        died_at = time.monotonic()
        with pytest.raises(Refused):
            await take(alive, item)
        slot = await take(alive, item, Queue(1, 10.0))
        waited = time.monotonic() - died_at
        await slot.release()
        await dead.close()
        await alive.close()
        return waited

    assert 1.0 < asyncio.run(main()) < 6.0


@pytest.mark.parametrize(("rule", "admitted"), [("open", 4), ("local", 2)])
def test_without_the_store_the_plan_decides_here_as_well(rule: str, admitted: int):
    item = slots_of(4)

    async def main() -> int:
        worker = Allowance(f"redis://127.0.0.1:{free_port()}/0", worker_id="w1", workers=2)
        taken = 0
        for _ in range(4):
            try:
                await worker.slots.acquire(item, NO_QUEUE, on_store_error=rule)
                taken += 1
            except Refused:
                pass
        with pytest.raises(LimitsUnavailable):
            await worker.slots.acquire(item, NO_QUEUE, on_store_error="closed")
        await worker.close()
        return taken

    assert asyncio.run(main()) == admitted


def test_through_the_gateway_a_call_too_many_is_a_429_and_a_caller_that_leaves_frees_its_slot(upstream, tmp_path: Path):
    worker = Worker(tmp_path, REDIS_URL=URL)
    limits = (LimitRecord("slots", 1, 0, "concurrent"),)
    changes: list[Any] = [*world(worker.key, upstream.url), change("plan", "plan_free", plan(limits=limits))]
    worker.load(changes)
    url, headers = f"{worker.url}/pay/orders/v1/echo", {"x-api-key": worker.key}
    try:
        with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
            head = f"GET /pay/orders/v1/slow HTTP/1.1\r\nHost: gw\r\nx-api-key: {worker.key}\r\n\r\n"
            connection.sendall(head.encode())
            upstream.wait_for(0)
            refused = httpx.get(url, headers=headers, trust_env=False)
            assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
            assert "1 concurrent requests, and 1 are under way" in refused.json()["detail"]
            assert refused.headers["ratelimit-policy"] == '"slots";q=1;qu="concurrent-requests"'
        until = time.monotonic() + 5
        while httpx.get(url, headers=headers, trust_env=False).status_code != 200:
            assert time.monotonic() < until, "the slot of the caller that left never came back"
            time.sleep(0.02)
    finally:
        assert worker.stop() == 0
