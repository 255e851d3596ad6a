"""Serves the node's metrics: the workers' series added up, the node's own beside them, in Prometheus' text format."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from gateway.dataplane.metrics import FAMILIES, exposition, family_of

REQUEST_SECONDS = 5.0
HEAD_BYTES = 8192


def add_up(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return series by series the sum over workers; those that name a worker stand for themselves."""
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def lasting(series: dict[str, float]) -> dict[str, float]:
    """Return what outlives a worker: counters and histograms, so that they never go backwards; no gauge of one."""
    return {
        name: value
        for name, value in series.items()
        if FAMILIES.get(family_of(name), ("gauge",))[0] != "gauge" and "worker=" not in name
    }


class Exporter:
    """A listener of its own, apart from the callers': `GET /metrics` and nothing else."""

    def __init__(self, collect: Callable[[], dict[str, float]]) -> None:
        self._collect = collect
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; raise OSError when the address is taken."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_BYTES)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                is_asked = head.startswith((b"GET /metrics HTTP/", b"GET /metrics?"))
                body = exposition(self._collect()) if is_asked else b"Not here: /metrics is.\n"
                kind = b"text/plain; version=0.0.4; charset=utf-8" if is_asked else b"text/plain"
                status = b"200 OK" if is_asked else b"404 Not Found"
                writer.write(
                    b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                    % (status, kind, len(body), body)
                )
                await writer.drain()
        writer.close()
