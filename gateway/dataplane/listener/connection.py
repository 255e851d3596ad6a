"""One connection of a caller: requests in by httptools, one call at a time, answers in the order of the requests.

It sets no timer: `deadline` is compared with the clock by the server's one ticker.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from math import inf
from typing import TYPE_CHECKING

import httptools

from gateway.dataplane.listener.exchange import STATUS_LINES, Exchange
from gateway.dataplane.listener.head import HEAD_BYTES, HeadRefused, check_head, raw_path

if TYPE_CHECKING:
    from gateway.dataplane.errors import Header
    from gateway.dataplane.listener.server import Server

log = logging.getLogger("gatehouse.listener")

HEAD_SECONDS = 10.0
# An idle connection of a worker that stops may still bring one call, which is answered with `Connection: close`.
IDLE_DRAIN_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75.0
LINGER_SECONDS = 2.0
# A body, or what comes through a tunnel, is read ahead of the call by this much.
PAUSE_BYTES = 64 * 1024


class Connection(asyncio.Protocol):
    """What the transport talks to. `running` is the exchange whose call is under way, `newest` the last one read."""

    __slots__ = (
        "_drained", "_head_bytes", "_is_deaf", "_is_draining", "_is_head_open", "_is_read_paused", "_pipeline",
        "_server", "_tunnel", "_tunnel_start", "_url", "deadline", "headers", "is_write_paused", "loop", "newest",
        "parser", "peer", "running", "transport",
    )  # fmt: skip

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self.loop = loop
        self.transport: asyncio.Transport
        self.parser = httptools.HttpRequestParser(self)
        self.peer = ""
        self.headers: list[Header] = []
        self.newest: Exchange | None = None
        self.running: Exchange | None = None
        self.deadline = inf
        self.is_write_paused = False
        self._url = b""
        self._pipeline: deque[Exchange] = deque()
        self._head_bytes = 0
        self._is_head_open = True
        # Nothing more is read: what comes belongs to no request that is served.
        self._is_deaf = False
        self._is_draining = False
        self._is_read_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._tunnel: Exchange | None = None
        self._tunnel_start = b""

    @property
    def is_closing(self) -> bool:
        """Say whether nothing can be written any more."""
        return self.transport.is_closing()

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first head."""
        self.transport = transport
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else ""
        self.deadline = self.loop.time() + HEAD_SECONDS
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the call that was being answered. A tunnel's is told the end instead: that is how tunnels end."""
        self._server.connections.discard(self)
        self.deadline = inf
        self._pipeline.clear()
        self.resume_writing()
        # It refers to this connection: without it the two would wait for the garbage collector.
        del self.parser
        running = self.running
        if running is not None and not running.is_complete:
            running.lose()
            if not running.is_tunnel:
                self._cancel(running)

    def pause_writing(self) -> None:
        """Let whoever writes wait."""
        self.is_write_paused = True

    def resume_writing(self) -> None:
        """Let it go on."""
        self.is_write_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    async def drained(self) -> None:
        """Wait until the caller has taken what was written."""
        if self.is_write_paused:
            if self._drained is None:
                self._drained = self.loop.create_future()
            await self._drained

    def pause_reading(self) -> None:
        """Stop reading until what came has been taken."""
        if not self._is_read_paused and not self.transport.is_closing():
            self._is_read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless a request waits for its turn."""
        if self._is_read_paused and not self._pipeline:
            self._is_read_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse what it refuses and a head that grows too large."""
        if self._is_deaf:
            self._take_unparsed(data)
            return
        if self._is_head_open:
            if not self._head_bytes:
                self.deadline = self.loop.time() + HEAD_SECONDS
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self._offer_upgrade(data[error.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self.refuse(501, "The method is not one that this gateway knows.")
        except HeadRefused as error:
            self.refuse(error.status, error.detail)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__ if isinstance(error.__context__, HeadRefused) else None
            self.refuse(cause.status if cause else 400, cause.detail if cause else "The request cannot be read.")
        except httptools.HttpParserError:
            self.refuse(400, "The request is not valid HTTP/1.1.")
        else:
            if self._is_head_open and self._head_bytes > HEAD_BYTES:
                self.refuse(431, f"The request's head is over {HEAD_BYTES} bytes.")

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Begin a request; a caller that pipelines gets a clock for each head."""
        self._url = b""
        self.headers = []
        self._is_head_open = True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. Trailers come this way too, after the body: they go nowhere."""
        if self._is_head_open:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head, then let the call begin."""
        self._is_head_open = False
        self._head_bytes = 0
        self.deadline = inf
        parser, headers = self.parser, self.headers
        version, method = parser.get_http_version(), parser.get_method()
        expects_continue = check_head(version, method, self._url, headers)
        target, _, query = self._url.partition(b"?")
        exchange = Exchange(self, method.decode("ascii"), raw_path(target), query, headers, version)
        exchange.keep_alive = parser.should_keep_alive() and not self._is_draining
        exchange.expects_continue = expects_continue
        before, self.newest = self.newest, exchange
        if before is None or before.is_complete:
            self._begin(exchange)
        else:
            self._pipeline.append(exchange)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, unless its answer is already complete."""
        newest = self.newest
        if newest is not None and not newest.is_complete and newest.feed(body) > PAUSE_BYTES:
            self.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end of the body."""
        if self.newest is not None:
            self.newest.feed_end()
        self._is_head_open = True

    # Calls.

    def _begin(self, exchange: Exchange) -> None:
        self.running = exchange
        exchange.task = self.loop.create_task(self._run(exchange))
        self._server.tasks.add(exchange.task)

    async def _run(self, exchange: Exchange) -> None:
        """Run the call; one that ends without having answered leaves no connection behind."""
        try:
            await self._server.serve(exchange)
        except asyncio.CancelledError:
            log.warning("event=call_cancelled path=%s", exchange.raw_path[:200].decode("latin-1"))
        except Exception:
            # The edge below the proxy's own: a defect in the listener or the proxy must not take the worker down.
            log.exception("event=call_failed path=%s", exchange.raw_path[:200].decode("latin-1"))
        finally:
            if not exchange.is_complete:
                exchange.abort()
            if exchange.task is not None:
                self._server.tasks.discard(exchange.task)

    def _cancel(self, exchange: Exchange) -> None:
        if exchange.task is not None:
            exchange.task.cancel()
            # One that had not begun yet never comes to its `finally`.
            exchange.task.add_done_callback(self._server.tasks.discard)

    def answered(self, exchange: Exchange) -> None:
        """Go on after a complete answer: close, begin the next request's call, or wait for one."""
        if self.transport.is_closing():
            return
        if not exchange.keep_alive:
            self._finish(is_body_open=not exchange.is_body_whole)
            return
        if self._pipeline:
            self._begin(self._pipeline.popleft())
        elif not self._head_bytes:
            self.deadline = self.loop.time() + KEEP_ALIVE_SECONDS
        self.resume_reading()

    def _offer_upgrade(self, rest: bytes) -> None:
        """Leave it to the call to change the protocol; whatever it does, no second request is read here."""
        self._is_deaf = True
        exchange = self.newest
        if exchange is None:
            return
        exchange.keep_alive = False
        exchange.upgrade = next((value for name, value in exchange.headers if name == b"upgrade"), b"").lower()
        self._tunnel_start = rest

    def _take_unparsed(self, data: bytes) -> None:
        if self._tunnel is not None:
            waiting = self._tunnel.feed(data)
        elif self.newest is not None and self.newest.upgrade and not self.newest.is_complete:
            self._tunnel_start += data
            waiting = len(self._tunnel_start)
        else:
            return
        if waiting > PAUSE_BYTES:
            self.pause_reading()

    def open_tunnel(self, exchange: Exchange) -> None:
        """Hand on what comes from here on as it is."""
        exchange.is_body_whole = False
        self._tunnel = exchange
        if self._tunnel_start:
            exchange.feed(self._tunnel_start)
        self.resume_reading()

    # Ends.

    def _finish(self, *, is_body_open: bool) -> None:
        """Close after the last answer. While a body still comes in, closing at once would reset what we sent."""
        if not is_body_open or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.resume_reading()
        self.transport.write_eof()
        self.deadline = self.loop.time() + LINGER_SECONDS

    def refuse(self, status: int, detail: str) -> None:
        """Answer a request that never became a call, then close. What was asked before it is still answered."""
        self._is_deaf = True
        self.deadline = inf
        self._pipeline.clear()
        running = self.running
        if self.transport.is_closing():
            return
        if running is not None and not running.is_complete:
            if running is not self.newest or running.is_body_whole:
                running.keep_alive = False
                return
            # The body of the call under way is what broke: there is nothing left to serve.
            running.lose()
            self._cancel(running)
            if running.is_started:
                self.transport.close()
                return
        headers, body = self._server.refusal(status, detail)
        lines = [STATUS_LINES[status]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", body]))
        self._finish(is_body_open=True)

    def late(self) -> None:
        """End what did not come in time: a head, the next request, or the end of a refused body."""
        self.deadline = inf
        if self._is_head_open and self._head_bytes and not self._is_deaf:
            self.refuse(408, f"The request's head was not complete within {HEAD_SECONDS:g} s.")
        elif self.is_write_paused:
            # Nobody takes what was written: a clean close would wait for that.
            self.transport.abort()
        else:
            self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Say whether no call is under way here."""
        return self.running is None or self.running.is_complete

    def shutdown(self) -> None:
        """End the connection after the call under way, or after the next one: closing an idle one could meet a call."""
        self._is_draining = True
        if self.is_idle:
            self.loop.call_later(IDLE_DRAIN_SECONDS, self._close_idle)
        elif self.running is not None:
            self.running.keep_alive = False

    def _close_idle(self) -> None:
        if self.is_idle:
            self.transport.close()
