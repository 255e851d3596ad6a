"""The listener: uvicorn with httptools on an inherited socket, made strict enough to stand in front of others.

What it adds: a limit on the head's size and time, the Host rules, no ambiguous framing, HTTP/1.0 and 1.1 alone, no 100
to HTTP/1.0, an honest end for answers that broke off, and the end of a call whose caller has left. A request that
breaks a rule of RFC 9112 is answered once, with a problem, and its connection is closed: what follows on it cannot be
told apart from a second request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server

from gateway.dataplane.context import Message
from gateway.dataplane.listener_head import HEAD_BYTES, HeadRefused, check_head, raw_path

log = logging.getLogger("gatehouse.listener")

HEAD_SECONDS = 10.0
# An idle connection of a worker that stops may still bring one call, which is answered with `Connection: close`.
IDLE_DRAIN_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
LINGER_SECONDS = 2.0
WRITE_SECONDS = 300.0

# Answers a request that never became a call: status, code, detail → the headers and the body to send.
Refusal = Callable[[int, str], tuple[list[tuple[bytes, bytes]], bytes]]


class GatewayCycle(RequestResponseCycle):
    """One request and its answer. `task` is the call's; it is cancelled when the connection is lost."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.task: asyncio.Task[None] | None = None
        self.protocol: GatewayProtocol | None = None
        # How long a caller may leave what was written untaken.
        self.write_seconds = WRITE_SECONDS
        # A head waits here for the rest of this turn of the loop, to leave in one segment with what follows it.
        self._head = b""
        # HTTP/1.0 knows no chunks: without a length the end of the connection is the end of the body.
        self.is_close_delimited = False

    async def run_asgi(self, app: Any) -> None:
        """Run the call; one that ends without having answered leaves no connection behind."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            log.warning("event=call_cancelled path=%s", self.scope["path"][:200])
        except Exception:
            # The edge below the proxy's own: a defect in the listener or the proxy must not take the worker down.
            log.exception("event=call_failed path=%s", self.scope["path"][:200])
        finally:
            if not self.response_complete:
                self.abort()
            self.on_response = _nothing

    async def send(self, message: Any) -> None:
        """Write one ASGI message. A caller that left is no error here; `disconnected` tells it."""
        if self.flow.write_paused and not self.disconnected:
            await self._drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._send_head(message)
        else:
            self._send_body(message.get("body", b""), message.get("more_body", False))

    async def _drain(self) -> None:
        """Wait until the caller has taken what was written; one that takes nothing for too long is let go."""
        try:
            async with asyncio.timeout(self.write_seconds):
                await self.flow.drain()
        except TimeoutError:
            self.transport.abort()

    def _send_head(self, message: Message) -> None:
        status = message["status"]
        self.response_started = True
        # An answer before the request's body has come whole: the rest would be taken for the next request, and whoever
        # was waiting for a 100 may never send it (RFC 9110 §10.1.1).
        if self.more_body:
            self.keep_alive = False
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in message["headers"]:
            if name == b"content-length":
                self.chunked_encoding = False
                self.expected_content_length = int(value)
            lines += (name, b": ", value, b"\r\n")
        if self.scope["method"] == "HEAD" or status in (204, 304):
            self.chunked_encoding = False
            self.expected_content_length = 0
        elif self.chunked_encoding is None:
            if self.scope["http_version"] == "1.0":
                self.is_close_delimited, self.keep_alive = True, False
            else:
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        elif self.scope["http_version"] == "1.0":
            lines.append(b"connection: keep-alive\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)
        assert self.protocol is not None
        self.protocol.loop.call_soon(self._flush)

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head and not self.transport.is_closing():
            self.transport.write(head)

    def _send_body(self, body: bytes, more_body: bool) -> None:
        if self.response_complete:
            raise RuntimeError("the answer was already complete")
        pieces, self._head = [self._head], b""
        if self.chunked_encoding:
            if body:
                pieces += (b"%x\r\n" % len(body), body, b"\r\n")
            if not more_body:
                pieces.append(b"0\r\n\r\n")
        elif body:
            if not self.is_close_delimited:
                self.expected_content_length -= len(body)
                if self.expected_content_length < 0:
                    raise RuntimeError("the body is longer than its Content-Length")
            pieces.append(body)
        if data := b"".join(pieces):
            self.transport.write(data)
        if not more_body:
            if not self.is_close_delimited and not self.chunked_encoding and self.expected_content_length:
                raise RuntimeError("the body is shorter than its Content-Length")
            self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive and self.protocol is not None:
            self.protocol.finish(is_body_open=self.more_body)
        self.on_response()

    def whole_body(self) -> bytes | None:
        """Return the request's body if all of it is there already and nobody waits for a 100."""
        if self.more_body or self.waiting_for_100_continue or self.disconnected:
            return None
        body, self.body = bytes(self.body), bytearray()
        self.flow.resume_reading()
        return body

    def abort(self) -> None:
        """End the connection so that an answer under way cannot be taken for a complete one (RFC 9112 §8)."""
        if self.transport.is_closing():
            return
        self._flush()
        if self.is_close_delimited:
            # The clean end of the connection would be the clean end of the body: reset it.
            connection = self.transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


def _nothing() -> None:
    return


class GatewayProtocol(HttpToolsProtocol):
    """One connection."""

    refusal: Refusal

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # uvicorn would answer two requests after `Connection: close`; the second one is not ours to see.
        self.parser = httptools.HttpRequestParser(self)
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_head_open = True
        self._head_bytes = 0
        self._is_refused = False
        self._running: GatewayCycle | None = None
        self._is_draining = False

    def shutdown(self) -> None:
        """End the connection after the call under way, or after the next one: closing an idle one could meet a call."""
        self._is_draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(IDLE_DRAIN_SECONDS, self._close_idle)
        else:
            self.cycle.keep_alive = False

    def _close_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first head."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the call that was being answered."""
        super().connection_lost(exc)
        self._stop_head_timer()
        self.pipeline.clear()
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
            if running.task is not None:
                running.task.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse what it refuses and a head that grows too large."""
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        if self._is_head_open:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No upgrade is offered: the request is served as it is, and nothing after it is read.
            if self.cycle is not None:
                self.cycle.keep_alive = False
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

    def on_message_begin(self) -> None:
        """Begin a request; a caller that pipelines gets a clock for each head."""
        super().on_message_begin()
        self._is_head_open = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. Trailers come this way too, after the body: they go nowhere."""
        if self._is_head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Judge the head, then hand the request to the application."""
        self._stop_head_timer()
        self._is_head_open = False
        self._head_bytes = 0
        version = self.parser.get_http_version()
        check_head(version, self.parser.get_method(), self.url, self.headers)
        if version == "1.0":
            # RFC 9110 §10.1.1: an expectation in HTTP/1.0 is ignored.
            self.expect_100_continue = False
        self._begin()

    def _begin(self) -> None:
        target, _, query = self.url.partition(b"?")
        scope = cast(dict[str, Any], self.scope)
        version = self.parser.get_http_version()
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["raw_path"] = raw_path(target)
        scope["path"] = scope["raw_path"].decode("latin-1")
        scope["query_string"] = query
        cycle = GatewayCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.parser.should_keep_alive() and not self._is_draining,
            on_response=self.on_response_complete,
        )
        cycle.protocol = self
        scope["extensions"] = {"gatehouse.connection": cycle}
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        assert isinstance(cycle, GatewayCycle)
        self._running = cycle
        task = self.loop.create_task(cycle.run_asgi(app))
        cycle.task = task
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, unless its answer is already complete."""
        if not self._is_refused:
            super().on_body(body)

    def finish(self, *, is_body_open: bool) -> None:
        """Close after the last answer. While a body still comes in, closing at once would reset what we sent."""
        if not is_body_open or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def refuse(self, status: int, detail: str) -> None:
        """Answer a request that never became a call, then close. What was asked before it is still answered."""
        self._is_refused = True
        self._stop_head_timer()
        self.pipeline.clear()
        running = self._running
        if self.transport.is_closing():
            return
        if running is not None and not running.response_complete:
            if not (running is self.cycle and running.more_body):
                running.keep_alive = False
                return
            # The body of the call under way is what broke: there is nothing left to serve.
            running.disconnected = True
            if running.task is not None:
                running.task.cancel()
            if running.response_started:
                self.transport.close()
                return
        headers, body = self.refusal(status, detail)
        lines = [STATUS_LINE[status]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", body]))
        self.finish(is_body_open=True)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self.refuse(408, f"The request's head was not complete within {HEAD_SECONDS:g} s.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class GatewayServer(Server):
    """uvicorn's server, which leaves the signals alone: it would raise them again before the worker has tidied up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to stop after the calls under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """Stop accepting; `serve` returns once the calls under way have ended or their grace is over."""
        self.should_exit = True


def create_server(app: Any, refusal: Refusal, *, drain_seconds: float) -> GatewayServer:
    """Return uvicorn's server round our protocol; calls under way get `drain_seconds` to end."""
    protocol = type("BoundGatewayProtocol", (GatewayProtocol,), {"refusal": staticmethod(refusal)})
    config = Config(
        app,
        http=cast(Any, protocol),
        ws="none",
        loop="uvloop",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(drain_seconds),
        backlog=2048,
    )
    return GatewayServer(config)
