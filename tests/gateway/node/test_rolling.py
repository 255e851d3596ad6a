"""Workers are replaced under load: open streams end whole, callers with kept connections notice nothing."""

from __future__ import annotations

import asyncio
import signal
import time

import httpx
import pytest

from gateway.control.models import Worker
from tests.gateway.node.process import NodeProcess

STREAMS = 200
CALLERS = 8


async def read_stream(port: int, key: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /pay/orders/v1/long HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\n\r\n".encode())
    data = await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()
    return data


async def keep_calling(url: str, key: str, stop: asyncio.Event) -> tuple[int, list[str]]:
    served, failed = 0, []
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    async with httpx.AsyncClient(headers={"x-api-key": key}, limits=limits, timeout=20, trust_env=False) as client:
        while not stop.is_set():
            try:
                answer = await client.get(url)
                served += 1
                if answer.status_code != 200:
                    failed.append(str(answer.status_code))
            except httpx.HTTPError as error:
                failed.append(repr(error))
            await asyncio.sleep(0.01)
    return served, failed


async def load(node: NodeProcess, key: str) -> tuple[list[bytes], list[tuple[int, list[str]]]]:
    stop = asyncio.Event()
    callers = [asyncio.create_task(keep_calling(f"{node.url}/pay/orders/v1/echo", key, stop)) for _ in range(CALLERS)]
    streams = [asyncio.create_task(read_stream(node.port, key)) for _ in range(STREAMS)]
    await asyncio.sleep(1.0)
    node.process.send_signal(signal.SIGHUP)
    whole = await asyncio.gather(*streams)
    await asyncio.sleep(0.5)
    stop.set()
    return whole, await asyncio.gather(*callers)


def test_200_open_streams_and_kept_connections_live_through_a_rolling_restart(start_node, published):
    node = start_node()
    node.ready()
    before = set(node.worker_pids())
    whole, callers = asyncio.run(load(node, published))
    assert [data.count(b"data: ") for data in whole] == [40] * STREAMS
    assert [failed for _, failed in callers] == [[]] * CALLERS
    assert all(served > 50 for served, _ in callers)
    node.wait_for(lambda: not before & set(node.worker_pids()))
    assert len(node.worker_pids()) == 2
    node.wait_for(lambda: sorted(Worker.objects.values_list("worker", flat=True)) == ["w1r1", "w2r1"])


def test_calls_under_way_end_when_the_node_is_stopped_and_new_ones_are_not_taken(start_node, published):
    node = start_node(workers=1)
    node.ready()

    async def main() -> bytes:
        stream = asyncio.create_task(read_stream(node.port, published))
        await asyncio.sleep(0.5)
        node.process.send_signal(signal.SIGTERM)
        return await stream

    assert asyncio.run(main()).count(b"data: ") == 40
    assert node.stop() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{node.url}/livez", timeout=2, trust_env=False)


def test_a_stream_longer_than_the_drain_is_cut_and_never_looks_complete(start_node, published):
    node = start_node(workers=1, GATEHOUSE_DRAIN_SECONDS="1")
    node.ready()

    async def main() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(f"GET /pay/orders/v1/long HTTP/1.1\r\nHost: gw\r\nx-api-key: {published}\r\n\r\n".encode())
        await asyncio.sleep(0.5)
        node.process.send_signal(signal.SIGTERM)
        data = await reader.read(-1)
        writer.close()
        return data

    data = asyncio.run(main())
    assert 0 < data.count(b"data: ") < 40
    assert not data.endswith(b"0\r\n\r\n")


def test_a_roll_to_workers_that_do_not_start_keeps_the_old_ones(start_node, published, monkeypatch):
    node = start_node(workers=1)
    node.ready()
    before = node.worker_pids()
    # Nothing to be run by: the new worker finds no package.
    (node.home / "uvloop.py").write_text("raise RuntimeError('broken on purpose')")
    node.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        assert httpx.get(f"{node.url}/livez", timeout=5, trust_env=False).status_code == 200
        time.sleep(0.05)
    assert set(before) <= set(node.worker_pids())
