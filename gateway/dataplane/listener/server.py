"""Accepts on an inherited socket, ends what is late, and drains: calls under way get a while to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.dataplane.errors import Header
from gateway.dataplane.listener.connection import Connection
from gateway.dataplane.listener.exchange import Exchange

BACKLOG = 2048
TICK_SECONDS = 0.5
DRAIN_TICK_SECONDS = 0.05
CANCEL_SECONDS = 2.0

Serve = Callable[[Exchange], Awaitable[None]]
# Answers a request that never became a call: status, code, detail → the headers and the body to send.
Refusal = Callable[[int, str], tuple[list[Header], bytes]]


class Server:
    """One worker's server. `serve` runs a call, `refusal` words what never becomes one."""

    def __init__(self, serve: Serve, refusal: Refusal, *, drain_seconds: float) -> None:
        self.serve = serve
        self.refusal = refusal
        self.connections: set[Connection] = set()
        # The calls under way, those included whose last byte has left and that still tidy up.
        self.tasks: set[asyncio.Task[None]] = set()
        # The longest that something has kept the loop from turning, since it was last asked for.
        self.loop_lag_seconds = 0.0
        self._drain_seconds = drain_seconds
        self._stopping = asyncio.Event()

    def take_loop_lag(self) -> float:
        """Return the longest lag since the last time, in seconds."""
        lag, self.loop_lag_seconds = self.loop_lag_seconds, 0.0
        return lag

    def stop(self) -> None:
        """Stop accepting; `run` returns once the calls under way have ended or their grace is over."""
        self._stopping.set()

    async def run(self, listening: socket.socket) -> None:
        """Serve until `stop`, SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        accepting = await loop.create_server(partial(Connection, self, loop), sock=listening, backlog=BACKLOG)
        ticking = loop.create_task(self._tick(loop), name="listener deadlines")
        try:
            await self._stopping.wait()
            accepting.close()
            await self._drain(loop)
        finally:
            ticking.cancel()

    async def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            due = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            # The loop was busy with something else for as long.
            self.loop_lag_seconds = max(self.loop_lag_seconds, now - due)
            for connection in [c for c in self.connections if c.deadline < now]:
                connection.late()

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        for connection in [*self.connections]:
            connection.shutdown()
        until = loop.time() + self._drain_seconds
        while self.tasks or self.connections:
            if loop.time() >= until:
                break
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        left = [*self.tasks]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CANCEL_SECONDS)
        for connection in [*self.connections]:
            with contextlib.suppress(OSError):
                connection.transport.abort()
