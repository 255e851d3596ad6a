"""One request and its answer on a connection: the seam between the listener and the calls.

The request's fields are there when the call begins, its body comes by `whole_body` or `read`. The answer goes out by
`start`, then `write` and `end`, which hand bytes to the transport and never wait; whoever sends much asks
`is_congested` first and awaits `drain`.
"""

from __future__ import annotations

import asyncio
import http
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.dataplane.errors import Header
    from gateway.dataplane.listener.connection import Connection

WRITE_SECONDS = 300.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
SWITCHING = 101
BODILESS = frozenset({204, 304})


def status_line(status: int) -> bytes:
    """Return the first line of an answer."""
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status: status_line(status) for status in range(100, 600)}


class Exchange:
    """One request and its answer. `task` is the call's; it is cancelled when the connection is lost."""

    __slots__ = (
        "_chunks", "_head", "_held", "_is_chunked", "_is_close_delimited", "_left", "_waiter",
        "connection", "disconnected", "expects_continue", "headers", "http_version", "is_body_whole", "is_complete",
        "is_started", "is_tunnel", "keep_alive", "method", "query", "raw_path", "task", "upgrade", "write_seconds",
    )  # fmt: skip

    def __init__(
        self, connection: Connection, method: str, raw_path: bytes, query: bytes, headers: list[Header], version: str
    ) -> None:
        self.connection = connection
        self.method = method
        self.raw_path = raw_path
        self.query = query
        self.headers = headers
        self.http_version = version
        self.expects_continue = False
        # The protocol that the caller would like to change to, which the answer may take up by status 101.
        self.upgrade = b""
        self.keep_alive = True
        self.task: asyncio.Task[None] | None = None
        self.disconnected = False
        self.is_body_whole = False
        self.is_started = False
        self.is_complete = False
        self.is_tunnel = False
        # How long a caller may leave what was written untaken.
        self.write_seconds = WRITE_SECONDS
        self._chunks: list[bytes] = []
        self._held = 0
        self._waiter: asyncio.Future[None] | None = None
        # A head waits here for the rest of this turn of the loop, to leave in one segment with what follows it.
        self._head = b""
        self._is_chunked = False
        # HTTP/1.0 knows no chunks: without a length the end of the connection is the end of the body.
        self._is_close_delimited = False
        self._left = 0

    # The request's body.

    def feed(self, piece: bytes) -> int:
        """Keep a piece that arrived; return how many bytes wait to be read."""
        self._chunks.append(piece)
        self._held += len(piece)
        self._wake()
        return self._held

    def feed_end(self) -> None:
        """Note that the body is whole."""
        self.is_body_whole = True
        self._wake()

    def lose(self) -> None:
        """Note that the caller has left."""
        self.disconnected = True
        self._wake()

    def whole_body(self) -> bytes | None:
        """Return the request's body if all of it is there already and nobody waits for a 100."""
        if not self.is_body_whole or self.expects_continue or self.disconnected:
            return None
        return self._take()

    async def read(self) -> bytes:
        """Return what has arrived of the body, b"" at its end or the caller's; `disconnected` tells them apart.

        The first call is what answers `Expect: 100-continue`.
        """
        if self.expects_continue:
            self.expects_continue = False
            if not self.is_started and not self.connection.is_closing:
                self.connection.transport.write(CONTINUE)
        while not self._chunks:
            if self.is_body_whole or self.disconnected:
                return b""
            self._waiter = self.connection.loop.create_future()
            await self._waiter
        return self._take()

    def _take(self) -> bytes:
        chunks, self._chunks, self._held = self._chunks, [], 0
        self.connection.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # The answer.

    @property
    def is_congested(self) -> bool:
        """Say whether the caller is behind with taking what was written."""
        return self.connection.is_write_paused

    async def drain(self) -> None:
        """Wait until the caller has taken what was written; one that takes nothing for too long is let go."""
        try:
            async with asyncio.timeout(self.write_seconds):
                await self.connection.drained()
        except TimeoutError:
            self.connection.transport.abort()

    def start(self, status: int, headers: list[Header]) -> None:
        """Send the head. A caller that left is no error here; `disconnected` tells it."""
        if self.disconnected:
            return
        self.is_started = True
        if status == SWITCHING:
            self._start_tunnel(headers)
            return
        # An answer before the request's body has come whole: the rest would be taken for the next request, and whoever
        # was waiting for a 100 may never send it (RFC 9110 §10.1.1).
        if not self.is_body_whole:
            self.keep_alive = False
        self.expects_continue = False
        lines = [STATUS_LINES.get(status) or status_line(status)]
        length = -1
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            lines += (name, b": ", value, b"\r\n")
        if self.method == "HEAD" or status in BODILESS:
            length = 0
        elif length < 0:
            if self.http_version == "1.0":
                self._is_close_delimited, self.keep_alive = True, False
            else:
                self._is_chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
        self._left = length
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        elif self.http_version == "1.0":
            lines.append(b"connection: keep-alive\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)
        self.connection.loop.call_soon(self._flush)

    def _start_tunnel(self, headers: list[Header]) -> None:
        self.is_tunnel, self.keep_alive, self._is_close_delimited = True, False, True
        lines = [STATUS_LINES[SWITCHING]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        self.connection.transport.write(b"".join(lines))
        self.connection.open_tunnel(self)

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head and not self.connection.is_closing:
            self.connection.transport.write(head)

    def write(self, piece: bytes) -> None:
        """Send a piece that is not the last."""
        if self.disconnected or not piece:
            return
        head, self._head = self._head, b""
        if self._is_chunked:
            self.connection.transport.write(b"%b%x\r\n%b\r\n" % (head, len(piece), piece))
            return
        self._count(piece)
        self.connection.transport.write(head + piece if head else piece)

    def end(self, piece: bytes = b"") -> None:
        """Send the last piece; raise RuntimeError when the body is not as long as its Content-Length."""
        if self.disconnected:
            return
        if self.is_complete:
            raise RuntimeError("the answer was already complete")
        head, self._head = self._head, b""
        if self._is_chunked:
            last = b"%x\r\n%b\r\n0\r\n\r\n" % (len(piece), piece) if piece else b"0\r\n\r\n"
            self.connection.transport.write(head + last)
        else:
            if piece:
                self._count(piece)
            if self._left and not self._is_close_delimited:
                raise RuntimeError("the body is shorter than its Content-Length")
            if head or piece:
                self.connection.transport.write(head + piece)
        self.is_complete = True
        self.connection.answered(self)

    def _count(self, piece: bytes) -> None:
        if not self._is_close_delimited:
            self._left -= len(piece)
            if self._left < 0:
                raise RuntimeError("the body is longer than its Content-Length")

    def abort(self) -> None:
        """End the connection so that an answer under way cannot be taken for a complete one (RFC 9112 §8)."""
        connection = self.connection
        if connection.is_closing:
            return
        self._flush()
        if self._is_close_delimited and not self.is_tunnel:
            # The clean end of the connection would be the clean end of the body: reset it.
            raw = connection.transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.transport.abort()
        else:
            connection.transport.close()
