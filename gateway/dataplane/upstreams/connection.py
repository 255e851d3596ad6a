"""One connection to an upstream: HTTP/1.1 (RFC 9112) by httptools on an asyncio transport, one exchange at a time.

No timer is set per exchange: each holds a deadline that the client's one ticker compares with the clock. What the
upstream sends faster than it is read is bounded: over `PAUSE_BYTES` the socket is not read any further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

import httptools

from gateway.dataplane.errors import Header, UpstreamError, UpstreamInvalid, UpstreamTimeout, UpstreamUnreachable
from gateway.dataplane.upstreams import UpstreamRequest

HEAD_BYTES = 64 * 1024
PAUSE_BYTES = 256 * 1024


class Exchange:
    """One request's answer as it arrives. Implements `upstreams.UpstreamResponse`."""

    __slots__ = (
        "_between", "_chunks", "_error", "_final", "_held", "_head_bytes", "is_over", "is_head_there", "_is_interim",
        "_waiter", "connection", "deadline", "headers", "is_head_request", "is_touched", "is_tunnel", "is_upgrade",
        "pump", "status",
    )  # fmt: skip

    def __init__(self, connection: Connection, request: UpstreamRequest) -> None:
        self.connection = connection
        self.status = 0
        self.headers: list[Header] = []
        # On the loop's clock: by when something must come. While the caller is waited for, only the whole is bounded.
        self._final = connection.loop.time() + request.total_seconds
        self.deadline = self._final
        # A byte of an answer has come: the request was seen.
        self.is_touched = False
        self.is_head_request = request.method == "HEAD"
        self.is_upgrade = request.is_upgrade
        self.is_tunnel = False
        self.pump: asyncio.Task[None] | None = None
        self._between = request.between_chunks_seconds
        self._chunks: list[bytes] = []
        self._held = 0
        self._head_bytes = 0
        self.is_head_there = False
        self._is_interim = False
        self.is_over = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def head(self) -> None:
        """Wait for the head of the final answer."""
        while not self.is_head_there:
            await self._wait()

    async def read(self) -> bytes:
        """Return what has arrived, b"" at the clean end; raise what went wrong."""
        while not self._chunks:
            if self.is_over:
                return b""
            self.expect_within(self._between)
            await self._wait()
        self.deadline = self._final
        chunks, self._chunks, self._held = self._chunks, [], 0
        self.connection.resume()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def write(self, data: bytes) -> None:
        """Send through the tunnel that a 101 opened."""
        if not self.is_over:
            self.connection.transport.write(data)
            await self.connection.drain()

    def expect_within(self, seconds: float) -> None:
        """Let the clock of the upstream run: something must come within this time."""
        self.deadline = min(self.connection.loop.time() + seconds, self._final)

    def expect_nothing(self) -> None:
        """Let that clock stand still: it is not the upstream that is waited for."""
        self.deadline = self._final

    async def aclose(self) -> None:
        """Let go of the connection: it is kept when the exchange came to its clean end, else dropped."""
        if self.pump is not None:
            self.pump.cancel()
        if not self.is_over:
            self.is_over = True
            self.connection.drop()

    def late(self) -> None:
        """End an exchange whose deadline has passed."""
        if self.deadline == self._final:
            text = "The upstream's answer was not complete in the time it has in all."
        elif self.is_head_there:
            text = f"The upstream sent nothing more for {self._between:g} s."
        else:
            text = "The upstream did not begin its answer in time."
        self.fail(UpstreamTimeout(text))
        self.connection.drop()

    def fail(self, error: BaseException) -> None:
        """Tell whoever reads; what arrived before is still read first."""
        if self._error is None and not self.is_over:
            self._error = error
            self._wake()

    def _wait(self) -> asyncio.Future[None]:
        if self._error is not None:
            raise self._error
        self._waiter = self.connection.loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    # httptools' callbacks.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field of the head, or of the trailers, which are not passed on."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > HEAD_BYTES:
            raise UpstreamInvalid(f"The head of the upstream's answer is over {HEAD_BYTES} bytes.")
        if not self.is_head_there:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the head; an interim answer (RFC 9110 §15.2) is not the caller's."""
        status = self.connection.parser.get_status_code()
        self._is_interim = 100 <= status < 200 and status != 101
        if self._is_interim:
            self.headers = []
            return
        self.status = status
        self.is_head_there = True
        self.deadline = self._final
        if status == 101 and self.is_upgrade:
            # How long a tunnel may be silent is for whoever relays it to say.
            self.is_tunnel = True
            self.deadline = self._final = self._between = inf
        elif self.is_head_request:
            self._complete()
        self._wake()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self.is_over:
            raise UpstreamInvalid("The upstream sent a body where there is none.")
        self._chunks.append(body)
        self._held += len(body)
        if self._held > PAUSE_BYTES:
            self.connection.pause()
        self._wake()

    def on_message_complete(self) -> None:
        """End the exchange, unless it was an interim answer."""
        if not self._is_interim and not self.is_tunnel:
            self._complete()

    def _complete(self) -> None:
        if not self.is_over:
            self.is_over = True
            # Asked now: once the message is over the parser knows it no more.
            self.connection.is_kept = self.connection.parser.should_keep_alive()
            self.connection.is_done = True
            self._wake()

    def on_lost(self, was_reused: bool) -> None:
        """End with the connection: cleanly only where its end is the end of the body (RFC 9112 §6.3)."""
        if self.is_over or self._error is not None:
            return
        if self.is_head_there and self._is_close_delimited():
            self.is_over = True
            self._wake()
        elif self.is_head_there:
            self.fail(UpstreamUnreachable("The upstream broke off in the middle of its answer."))
        elif was_reused and not self.is_touched:
            self.fail(ConnectionStale("The upstream closed the connection before it answered."))
        else:
            self.fail(UpstreamUnreachable("The upstream closed the connection before it answered."))

    def _is_close_delimited(self) -> bool:
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)


class ConnectionStale(UpstreamUnreachable):
    """A kept connection that its other side had closed: the request may be sent again where that does no harm."""


class Connection(asyncio.Protocol):
    """One connection. `release` is called once it is free again, `forget` once it is gone."""

    __slots__ = (
        "_drained", "_is_paused", "_was_reused", "exchange", "forget", "idle_until", "is_done", "is_kept", "is_lost",
        "loop", "parser", "release", "transport",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        release: Callable[[Connection], None],
        forget: Callable[[Connection], None],
    ) -> None:
        self.loop = loop
        self.release = release
        self.forget = forget
        self.transport: asyncio.Transport
        self.parser: httptools.HttpResponseParser
        self.exchange: Exchange | None = None
        self.idle_until = inf
        self.is_done = False
        self.is_kept = False
        self.is_lost = False
        self._is_paused = False
        self._was_reused = False
        self._drained: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the transport. uvloop's is none by class, only by what it does."""
        self.transport = transport

    def begin(self, exchange: Exchange, data: bytes, *, was_reused: bool) -> None:
        """Send the request's head and what there is of its body."""
        self.exchange = exchange
        self.parser = httptools.HttpResponseParser(exchange)
        self.is_done = False
        self._was_reused = was_reused
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; once the answer is complete the connection is free, or closed where it cannot be kept."""
        exchange = self.exchange
        if exchange is None:
            # Nobody asked for this: an answer to no request could be taken for the next one's.
            self.drop()
            return
        exchange.is_touched = True
        if exchange.is_tunnel:
            exchange.on_body(data)
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            if exchange.is_tunnel:
                if rest := data[error.args[0] :]:
                    exchange.on_body(rest)
                return
            exchange.fail(UpstreamInvalid("The upstream switched protocols without being asked to."))
            self.drop()
            return
        except httptools.HttpParserCallbackError as error:
            self._broken(exchange, error.__context__)
            return
        except (httptools.HttpParserError, UpstreamInvalid) as error:
            self._broken(exchange, error)
            return
        if self.is_done:
            self._finish(exchange)

    def _broken(self, exchange: Exchange, error: BaseException | None) -> None:
        own = error if isinstance(error, UpstreamError) else UpstreamInvalid("The upstream's answer is not HTTP.")
        exchange.fail(own)
        self.drop()

    def _finish(self, exchange: Exchange) -> None:
        self.exchange = None
        pump = exchange.pump
        # A request that was not sent whole leaves the connection unusable.
        is_sent = pump is None or pump.done()
        # To the parser the answer to a HEAD has not ended, so it cannot say.
        is_kept = not _closes(exchange.headers) if exchange.is_head_request else self.is_kept
        if is_sent and is_kept:
            self.resume()
            self.release(self)
        else:
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange and the pool."""
        self.is_lost = True
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.on_lost(self._was_reused)
        self.forget(self)

    def drop(self) -> None:
        """Close at once; what is still to be written is not wanted any more."""
        self.exchange = None
        self.transport.abort()

    def pause(self) -> None:
        """Stop reading until what came has been taken."""
        if not self._is_paused and not self.is_lost:
            self._is_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._is_paused:
            self._is_paused = False
            if not self.is_lost:
                self.transport.resume_reading()

    def pause_writing(self) -> None:
        """Let the sender of a body wait."""
        self._drained = self.loop.create_future()

    def resume_writing(self) -> None:
        """Let it go on."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    async def drain(self) -> None:
        """Wait until the upstream has taken what was written."""
        if self._drained is not None:
            await self._drained


def _closes(headers: list[Header]) -> bool:
    return any(name == b"connection" and b"close" in value.lower() for name, value in headers)
