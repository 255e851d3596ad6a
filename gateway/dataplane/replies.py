"""Sends an answer to the caller: the one way out for every kind of API, so that no header or record is forgotten.

`respond` for a whole answer; `start`, `write`, `end` for one in pieces. The `Finished` record is appended before the
last byte leaves (`end`, or `respond`), therefore usage fields of the call must be final by then. A caller that left
shows as `ClientGone` from any of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from email.utils import formatdate

from gateway.dataplane import problems
from gateway.dataplane.context import Call
from gateway.dataplane.errors import BadRequest, BodyTooLarge, ClientGone, GatewayError, Header, SpoolFull
from gateway.dataplane.policies import access
from gateway.dataplane.runtime import Runtime

log = logging.getLogger("gatehouse.call")
# How long a caller may be silent in the middle of its body.
BODY_SECONDS = 30
# Answers of these have no body, whatever the headers say (RFC 9110 §6.4.1).
BODILESS = frozenset({204, 304})


_date: tuple[int, bytes] = (0, b"")


def http_date(now: float) -> bytes:
    """Return the Date of an answer (RFC 9110 §6.6.1), formatted once per second."""
    global _date
    second, text = _date
    if second != int(now):
        second, text = _date = int(now), formatdate(now, usegmt=True).encode()
    return text


class Capture:
    """Keeps an answer as it is sent, up to a size. `is_whole` once its last piece has been taken."""

    __slots__ = ("_is_too_large", "_most", "body", "headers", "is_ended", "status")

    def __init__(self, most: int) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.body = b""
        self.is_ended = False
        self._most = most
        self._is_too_large = False

    @property
    def is_whole(self) -> bool:
        """Say whether all of the answer is here."""
        return self.is_ended and not self._is_too_large

    def head(self, status: int, headers: list[Header]) -> None:
        """Take the head; the length is that of the body, and told anew."""
        self.status = status
        self.headers = [pair for pair in headers if pair[0] not in (b"content-length", b"date")]

    def take(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self._is_too_large or len(self.body) + len(piece) > self._most:
            self._is_too_large, self.body = True, b""
        else:
            self.body += piece


def start(call: Call, runtime: Runtime, status: int, headers: list[Header]) -> None:
    """Send the head: the given headers, the version's (Deprecation …), the limits' and our own."""
    call.status = status
    call.head_sent_ns = time.monotonic_ns()
    own: list[Header] = [(b"x-request-id", call.id.encode())]
    if runtime.settings.tells_overhead:
        own.append((b"gatehouse-overhead-ms", b"%.2f" % (call.overhead_ns() / 1_000_000)))
    if not any(name == b"date" for name, _ in headers):
        own.append((b"date", http_date(call.at)))
    merged = [*headers, *call.state_headers, *call.rate_limit_headers, *call.extra_headers, *own]
    if call.cors_headers:
        merged += call.cors_headers
    call.is_started = True
    if call.capture is not None:
        call.capture.head(status, headers)
    call.exchange.start(status, merged)


async def write(call: Call, chunk: bytes) -> None:
    """Send a piece that is not the last; raise when the call's key or subscription has been taken away meanwhile."""
    _check_there(call)
    if call.rights_seen != call.state.rights_changed and call.is_authenticated:
        access.check_again(call, time.time())
    call.response_bytes += len(chunk)
    if call.capture is not None:
        call.capture.take(chunk)
    if call.exchange.is_congested:
        await call.exchange.drain()
        _check_there(call)
    call.exchange.write(chunk)


async def end(call: Call, runtime: Runtime, chunk: bytes = b"") -> None:
    """Record the call, then send the last piece."""
    _check_there(call)
    call.response_bytes += len(chunk)
    if call.capture is not None:
        call.capture.take(chunk)
        call.capture.is_ended = True
    if call.exchange.is_congested:
        await call.exchange.drain()
        _check_there(call)
    record(call, runtime)
    call.exchange.end(chunk)


def respond(call: Call, runtime: Runtime, status: int, headers: list[Header], body: bytes) -> None:
    """Send a whole answer; `headers` without Content-Length, which is added."""
    if status not in BODILESS:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    # The head of an answer without a body is its last byte, so the record comes first here.
    call.status = status
    call.head_sent_ns = time.monotonic_ns()
    is_bodiless = status in BODILESS or call.method == "HEAD"
    call.response_bytes = 0 if is_bodiless else len(body)
    record(call, runtime)
    start(call, runtime, status, headers)
    call.exchange.end(b"" if is_bodiless else body)


def respond_bodiless(call: Call, runtime: Runtime, status: int, headers: list[Header]) -> None:
    """Send an answer that has no body whatever its headers say: to HEAD, or 204 and 304."""
    call.status = status
    call.head_sent_ns = time.monotonic_ns()
    record(call, runtime)
    start(call, runtime, status, headers)
    if call.capture is not None:
        call.capture.is_ended = True
    call.exchange.end()


def refuse(call: Call, runtime: Runtime, error: GatewayError) -> None:
    """Answer with a problem, in the shape of the API's kind. After the head has left the connection is cut instead."""
    note_refusal(call, error)
    if call.is_started:
        call.exchange.abort()
        return
    is_ai = call.route is not None and call.route.kind == "model"
    headers, body = problems.render(error, call_id=call.id, console_url=runtime.settings.console_url, is_ai=is_ai)
    respond(call, runtime, error.status, headers, body)


def note_refusal(call: Call, error: GatewayError) -> None:
    """Write the error's words into the call's outcome."""
    call.code = error.code
    call.fault = error.fault
    call.rule = error.rule
    call.verdict = error.detail
    if not call.is_started:
        call.status = error.status


def record_started(call: Call, runtime: Runtime) -> None:
    """Write the `started` record; call it right before the first byte goes upstream. Raises errors.SpoolFull."""
    call.attempt += 1
    try:
        runtime.spool.append(call.started())
    except SpoolFull:
        if runtime.settings.on_spool_full == "serve" and not _is_paid(call):
            return
        call.attempt -= 1
        raise


def _is_paid(call: Call) -> bool:
    """Say whether somebody pays for the call or has a budget that it counts in: then it is recorded or refused."""
    if call.route is None or call.route.kind != "rest":
        return True
    return call.plan is not None and any(limit.unit in ("tokens", "nano_usd") for limit in call.plan.limits)


def record_retried(call: Call, runtime: Runtime, *, status: int, reason: str) -> None:
    """End the record of an attempt that is made again: in the ledger it is an attempt, not a call."""
    call.upstream_end_ns = time.monotonic_ns()
    call.status, call.upstream_status = status, status
    call.code, call.fault, call.verdict = "retried", "upstream", reason
    runtime.metrics.retries += 1
    try:
        runtime.spool.append(call.finish())
    finally:
        call.status, call.code, call.fault, call.verdict, call.upstream_end_ns = 0, "", "", "", 0


def record(call: Call, runtime: Runtime) -> None:
    """Write the outcome once: a `finished` record, or a mere count when the call was refused before authentication.

    What the gateway answered by itself to nobody in particular (OPTIONS) leaves no record.
    """
    if call.finished is not None:
        return
    call.finished = finished = call.finish()
    if call.attempt or call.is_authenticated:
        try:
            runtime.spool.append(finished)
        except SpoolFull as error:
            log.error("event=finished_not_recorded call=%s reason=%s", call.id, error.detail)
    elif call.code:
        runtime.spool.count_refusal(code=call.code, version_id=finished.version_id, at=call.at)
    if call.code or finished.kind != "rest":
        runtime.verdicts.note(finished)


def _check_there(call: Call) -> None:
    if call.exchange.disconnected:
        raise ClientGone


async def read_body(call: Call, limit: int) -> bytes:
    """Read the request's body; raise BodyTooLarge over `limit` bytes, ClientGone when the caller left."""
    if call.whole_body is not None:
        return call.whole_body
    if (whole := call.exchange.whole_body()) is not None:
        call.body_is_read = True
        call.request_bytes += len(whole)
        if call.request_bytes > limit:
            raise too_large(limit)
        return whole
    chunks = [chunk async for chunk in stream_body(call, limit)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def stream_body(call: Call, limit: int) -> AsyncIterator[bytes]:
    """Yield the request's body as it arrives. The first read is what answers `Expect: 100-continue`."""
    check_declared_length(call, limit)
    while not call.body_is_read:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                chunk = await call.exchange.read()
        except TimeoutError as error:
            raise BadRequest(f"The body did not arrive: nothing came for {BODY_SECONDS} s.") from error
        _check_there(call)
        call.body_is_read = call.exchange.is_body_whole
        call.request_bytes += len(chunk)
        if call.request_bytes > limit:
            raise too_large(limit)
        if chunk:
            yield chunk


def check_declared_length(call: Call, limit: int) -> None:
    """Refuse a body by its Content-Length before any of it is read."""
    declared = call.header(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise too_large(limit)


def too_large(limit: int) -> BodyTooLarge:
    """Return the refusal of a body over `limit` bytes."""
    return BodyTooLarge(f"The body is over the limit of {limit} bytes.")
