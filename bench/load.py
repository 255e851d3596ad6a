"""The load generator's own process: a fixed rate of calls, or streams in a closed loop; bounded, prints JSON.

`python -m bench.load JOB`, where JOB is JSON: {"kind": "rate"|"streams", "host", "port", "path", "headers", "body",
"seconds", "rate"|"streams"}.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import deque
from typing import Any

import httptools
import uvloop

from bench.figures import percentile

STAMP = re.compile(rb'"content": ?"(\d+)@(\d+\.\d+) ')
CHUNKS = 50
FINISH_SECONDS = 15.0


class Caller(asyncio.Protocol):
    """One connection: sends a request, resolves `done` with the status once the answer is complete."""

    def __init__(self) -> None:
        self.done: asyncio.Future[int] | None = None
        self.on_data: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def call(self, request: bytes, on_data: Any = None) -> asyncio.Future[int]:
        """Send a request."""
        self.parser = httptools.HttpResponseParser(self)
        self.on_data = on_data
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Hand a piece on."""
        if self.on_data is not None:
            self.on_data(body)

    def on_message_complete(self) -> None:
        """Tell the caller."""
        if self.done is not None and not self.done.done():
            self.done.set_result(self.parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the caller that no answer comes."""
        if self.done is not None and not self.done.done():
            self.done.set_result(0)


def request_of(job: dict[str, Any]) -> bytes:
    """Return the bytes of one request."""
    lines = [
        f"POST {job['path']} HTTP/1.1",
        f"Host: {job['host']}:{job['port']}",
        f"Content-Length: {len(job['body'])}",
    ]
    lines += [f"{name}: {value}" for name, value in job["headers"].items()]
    return ("\r\n".join([*lines, "", ""]) + job["body"]).encode()


async def connect(job: dict[str, Any]) -> Caller:
    """Open a connection."""
    _, caller = await asyncio.get_running_loop().create_connection(Caller, job["host"], job["port"])
    return caller


async def at_rate(job: dict[str, Any]) -> dict[str, Any]:
    """Send calls at fixed times whether or not earlier ones have come back; return their number and latencies."""
    request, free = request_of(job), deque([await connect(job) for _ in range(16)])
    loop = asyncio.get_running_loop()
    latencies, failed, running = [], 0, []

    async def one() -> None:
        nonlocal failed
        # The loop's own clock stands still within a turn of the loop, and counts milliseconds.
        sent = time.perf_counter()
        caller = free.popleft() if free else await connect(job)
        status = await caller.call(request)
        latencies.append((time.perf_counter() - sent) * 1000)
        failed += status != 200
        if status:
            free.append(caller)

    start = loop.time() + 0.05
    for number in range(int(job["rate"] * job["seconds"])):
        await asyncio.sleep(start + number / job["rate"] - loop.time())
        running.append(loop.create_task(one()))
    await asyncio.wait(running, timeout=FINISH_SECONDS)
    spread = {"p50_ms": percentile(latencies, 0.5), "p99_ms": percentile(latencies, 0.99)}
    return {"calls": len(latencies), "failed": failed + len(running) - len(latencies), **spread}


async def in_streams(job: dict[str, Any]) -> dict[str, Any]:
    """Keep a number of streams open; return lost chunks, and how late each first chunk and each chunk came, in ms."""
    request, loop = request_of(job), asyncio.get_running_loop()
    firsts: list[float] = []
    lates: list[float] = []
    counts = {"streams": 0, "failed": 0, "lost": 0, "repeated": 0}
    until = loop.time() + job["seconds"] + 1

    async def stream_once(caller: Caller) -> bool:
        seen: list[int] = []
        rest = b""

        def take(body: bytes) -> None:
            nonlocal rest
            now = time.time()
            rest += body
            end = rest.rfind(b"\n\n")
            for number, sent in STAMP.findall(rest[: end + 2] if end >= 0 else b""):
                late = (now - float(sent)) * 1000
                (lates if seen else firsts).append(late)
                seen.append(int(number))
            rest = rest[end + 2 :] if end >= 0 else rest

        status = await caller.call(request, take)
        counts["streams"] += 1
        counts["failed"] += status != 200
        counts["lost"] += CHUNKS - len(set(seen))
        counts["repeated"] += len(seen) - len(set(seen))
        return status == 200

    async def one(number: int) -> None:
        await asyncio.sleep(number / job["streams"])
        caller = await connect(job)
        while loop.time() < until:
            if not await stream_once(caller):
                caller = await connect(job)

    running = [loop.create_task(one(number)) for number in range(job["streams"])]
    _, late = await asyncio.wait(running, timeout=job["seconds"] + FINISH_SECONDS)
    for task in running:
        if task in late:
            task.cancel()
        elif task.exception() is not None:
            counts["failed"] += 1
    late_ms = {"late_p50_ms": percentile(lates, 0.5), "late_p99_ms": percentile(lates, 0.99)}
    first_ms = {"first_p50_ms": percentile(firsts, 0.5), "first_p99_ms": percentile(firsts, 0.99)}
    return {**counts, "unfinished": len(late), "firsts": len(firsts), **first_ms, **late_ms}


def main() -> None:
    """Do the job."""
    job = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(uvloop.run(at_rate(job) if job["kind"] == "rate" else in_streams(job))))


if __name__ == "__main__":
    main()
