"""A provider on loopback that replays hand-written answers: the model a request names says which one.

`tests/golden/openai/{model}.json`: status, headers, and a body (JSON or text) or chunks, each sent and flushed on its
own. `end`: `clean` (default), `reset` the connection, `hang` open after the last chunk, `never` answer at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "golden" / "openai"


@dataclass
class Asked:
    """One request as the provider got it, and when its connection was closed by the other side (0.0: not yet)."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    closed_at: float = 0.0


@dataclass
class Replay:
    """The provider; `asked` grows with each request."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    # Keys that get the answer of a provider whose limit is reached.
    limited: set[str] = field(default_factory=set)
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(5)
        self._loop.close()

    def wait_for_close(self, number: int, seconds: float = 5.0) -> Asked:
        """Return the request with this number (from 0) once the other side has let it go."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(self.asked) > number and self.asked[number].closed_at:
                return self.asked[number]
            time.sleep(0.01)
        raise AssertionError(f"request {number} was not let go")

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        asked = Asked(head[0].split(" ")[1], headers, body)
        self.asked.append(asked)
        is_limited = headers.get("authorization", "").removeprefix("Bearer ") in self.limited
        name = "rate-limited" if is_limited else body["model"]
        fixture = json.loads((FIXTURES / f"{name}.json").read_text())
        end = fixture.get("end", "clean")
        if end != "never":
            await self._answer(writer, fixture)
        if end == "reset":
            # An RST instead of a FIN: the connection broke.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if end in ("hang", "never"):
            with contextlib.suppress(ConnectionError):
                await reader.read(1)
            asked.closed_at = time.monotonic()
            return False
        return True

    async def _answer(self, writer: asyncio.StreamWriter, fixture: dict[str, Any]) -> None:
        lines = [f"HTTP/1.1 {fixture['status']} Replayed"]
        lines += [f"{name}: {value}" for name, value in fixture["headers"].items()]
        if "chunks" not in fixture:
            body = fixture["body"]
            raw = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
            lines.append(f"content-length: {len(raw)}")
            writer.write("\r\n".join([*lines, "", ""]).encode() + raw)
            await writer.drain()
            return
        writer.write("\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode())
        for chunk in fixture["chunks"]:
            raw = chunk.encode()
            writer.write(b"%x\r\n%b\r\n" % (len(raw), raw))
            await writer.drain()
            await asyncio.sleep(0.005)
        if fixture.get("end", "clean") == "clean":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
