"""Relays a WebSocket of a `rest` API (RFC 6455): the handshake is a call like any other, then bytes pass as they come.

Frames are not looked into, so extensions and subprotocols are the two ends' own business. The whole connection is one
call in the ledger. It ends with either side, when the caller's rights end, or when nothing came from either side for
the version's total time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from gateway.dataplane import attempts, relay, replies
from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header, UpstreamError
from gateway.dataplane.policies import access
from gateway.dataplane.records import UpstreamRecord
from gateway.dataplane.runtime import Runtime
from gateway.dataplane.upstreams import UpstreamRequest, UpstreamResponse

SWITCHING = 101
PROTOCOL = b"websocket"
Came = Callable[[], None]
UPGRADE: list[Header] = [(b"connection", b"Upgrade"), (b"upgrade", PROTOCOL)]


def is_asked_for(call: Call) -> bool:
    """Say whether the caller opens a WebSocket (RFC 6455 §4.1)."""
    return call.exchange.upgrade == PROTOCOL and call.method == "GET"


async def serve(call: Call, runtime: Runtime, record: UpstreamRecord, request: UpstreamRequest) -> None:
    """Pass the handshake on to one target; where it is not taken up the answer is relayed as that of any call."""
    group = attempts.groups.of(record)
    target = group.choose([])
    request.url = target.base_url + request.url[len(record.base_url.rstrip("/")) :]
    request.headers += UPGRADE
    request.is_upgrade = True
    replies.record_started(call, runtime)
    call.upstream_start_ns = time.monotonic_ns()
    target.pending += 1
    try:
        try:
            response = await runtime.upstream.send(request)
        except UpstreamError:
            target.failed(group.clock(), record)
            raise
        call.first_byte_ns = time.monotonic_ns()
        if response.status != SWITCHING:
            await attempts.pass_on(call, runtime, response)
            return
        target.succeeded()
        try:
            await _relay(call, runtime, response, idle_seconds=record.total_seconds)
        finally:
            call.upstream_end_ns = time.monotonic_ns()
            await response.aclose()
    finally:
        target.pending -= 1
        target.is_on_trial = False


async def _relay(call: Call, runtime: Runtime, response: UpstreamResponse, *, idle_seconds: float) -> None:
    call.upstream_status = SWITCHING
    call.is_streamed = True
    headers = relay.response_headers(call, response.headers, runtime.settings.pseudonym)
    replies.start(call, runtime, SWITCHING, [*headers, *UPGRADE])
    loop = asyncio.get_running_loop()
    ends: list[BaseException | None] = []
    try:
        async with asyncio.timeout(idle_seconds) as clock:

            def came() -> None:
                clock.reschedule(loop.time() + idle_seconds)

            up = loop.create_task(_send_up(call, response, came), name="websocket up")
            down = loop.create_task(_send_down(call, response, came), name="websocket down")
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    task.cancel()
                ends = [*await asyncio.gather(up, down, return_exceptions=True)]
    except TimeoutError:
        call.verdict = f"Nothing came through the WebSocket for {idle_seconds:g} s."
    for end in ends:
        if isinstance(end, Exception):
            raise end
    replies.record(call, runtime)
    call.exchange.end()


async def _send_up(call: Call, response: UpstreamResponse, came: Came) -> None:
    while piece := await call.exchange.read():
        came()
        if call.rights_seen != call.state.rights_changed and call.is_authenticated:
            access.check_again(call, time.time())
        call.request_bytes += len(piece)
        await response.write(piece)


async def _send_down(call: Call, response: UpstreamResponse, came: Came) -> None:
    while piece := await response.read():
        came()
        await replies.write(call, piece)
