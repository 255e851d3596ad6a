"""A real HTTP/1.1 service on loopback that behaves as its path says, and remembers what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    first_body_at: float = 0.0
    closed_at: float = 0.0
    chunks_sent: int = 0

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    def names(self) -> set[str]:
        return {key.lower() for key, _ in self.headers}


@dataclass
class Upstream:
    """The service; `seen` grows with each request, `connections` with each connection."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    # What every request is answered with, but for 200: that is left to its path.
    status: int = 200
    retry_after: str = ""
    tls: ssl.SSLContext | None = None
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(5)

    def wait_for(self, number: int, seconds: float = 5.0) -> Seen:
        """Return the request with this number (from 0) once it is there."""
        until = time.monotonic() + seconds
        while len(self.seen) <= number:
            assert time.monotonic() < until, f"the upstream saw {len(self.seen)} requests"
            time.sleep(0.01)
        return self.seen[number]

    def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head[:-4].split("\r\n")
        method, target, _ = line.split(" ", 2)
        seen = Seen(method, target, [tuple(f.split(": ", 1)) for f in fields])  # type: ignore[misc]
        self.seen.append(seen)
        path = target.partition("?")[0]
        if path != "/deaf":
            await self._read_body(reader, seen)
        if self.status != 200:
            extra = f"retry-after: {self.retry_after}\r\n" if self.retry_after else ""
            return await self._answer(writer, {"port": self.port}, extra, f"{self.status} As Told")
        behaviour = getattr(self, "_do" + path.replace("/", "_").split("_x", 1)[0], self._do_echo)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return bool(await behaviour(seen, reader, writer))
        finally:
            self.at_once -= 1

    async def _read_body(self, reader: asyncio.StreamReader, seen: Seen) -> None:
        length = seen.header("content-length")
        if length is not None:
            while len(seen.body) < int(length):
                piece = await reader.read(int(length) - len(seen.body))
                if not piece:
                    seen.closed_at = time.monotonic()
                    raise ConnectionError
                seen.first_body_at = seen.first_body_at or time.monotonic()
                seen.body += piece
        elif seen.header("transfer-encoding") == "chunked":
            while True:
                line = await reader.readline()
                if not line:
                    seen.closed_at = time.monotonic()
                    raise ConnectionError
                size = int(line, 16)
                piece = (await reader.readexactly(size + 2))[:-2]
                if not size:
                    return
                seen.first_body_at = seen.first_body_at or time.monotonic()
                seen.body += piece

    async def _answer(self, writer: Any, content: Any, extra: str = "", status: str = "200 OK") -> bool:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "content-type: application/json\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{kind}content-length: {len(body)}\r\n{extra}\r\n".encode() + body)
        await writer.drain()
        return True

    async def _do_echo(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        if seen.method == "HEAD":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")
            return True
        content = {"method": seen.method, "target": seen.target, "headers": seen.headers, "length": len(seen.body)}
        return await self._answer(writer, content)

    async def _do_cookies(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        extra = (
            "set-cookie: a=1\r\nset-cookie: b=2\r\nconnection: x-hop\r\nx-hop: secret\r\nkeep-alive: timeout=5\r\n"
            'x-kept: yes\r\nx-request-id: theirs\r\nlink: </other>; rel="next"\r\n'
        )
        return await self._answer(writer, {}, extra)

    async def _do_nothing(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 204 No Content\r\nx-kept: yes\r\n\r\n")
        return True

    async def _do_unchanged(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n')
        return True

    async def _do_empty(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        return await self._answer(writer, b"")

    async def _do_teapot(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        return await self._answer(writer, {"short": "stout"}, status="418 I'm a teapot")

    async def _do_redirect(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        return await self._answer(writer, b"", "location: http://169.254.169.254/latest\r\n", status="302 Found")

    async def _do_gzip(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        return await self._answer(writer, b"\x1f\x8b not really", "content-encoding: gzip\r\n")

    async def _do_big(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        return await self._answer(writer, b"x" * 3_000_000)

    async def _do_huge(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        """Send 50 MB as fast as they are taken."""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n")
        for _ in range(800):
            writer.write(b"x" * 65_536)
            await writer.drain()
            seen.chunks_sent += 1
        return True

    async def _do_garbage(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"this is not HTTP at all\r\n\r\n")
        await writer.drain()
        return False

    async def _do_reset(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    async def _do_slow(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.read(1)
        seen.closed_at = time.monotonic()
        return False

    async def _do_half(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nabc")
        await writer.drain()
        return False

    async def _do_halfchunk(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        return False

    async def _do_stall(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        return await self._do_slow(seen, reader, writer)

    async def _do_stream(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(5):
            await self._chunk(seen, writer, f"data: {number} {time.monotonic()}\n\n")
            await asyncio.sleep(0.1)
        writer.write(b"0\r\n\r\n")
        return True

    async def _do_long(self, seen: Seen, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(40):
            await self._chunk(seen, writer, f"data: {number}\n\n")
            await asyncio.sleep(0.1)
        writer.write(b"0\r\n\r\n")
        return True

    async def _do_endless(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        gone = asyncio.ensure_future(reader.read(1))
        while not gone.done():
            await self._chunk(seen, writer, "data: tick\n\n")
            await asyncio.wait({gone}, timeout=0.02)
        seen.closed_at = time.monotonic()
        return False

    async def _chunk(self, seen: Seen, writer: asyncio.StreamWriter, text: str) -> None:
        writer.write(b"%x\r\n%s\r\n" % (len(text), text.encode()))
        await writer.drain()
        seen.chunks_sent += 1
