"""Sends a call of kind `rest` to one of its version's targets, again where that does no harm and the budget allows.

Again: before the first byte of an answer went to the caller, when the method is idempotent (RFC 9110 §9.2.2), the
caller gave an Idempotency-Key, or nothing was sent; never with a body that was streamed. Each attempt has its own two
records; those that were repeated say `retried`, so that a call is counted once.
"""

from __future__ import annotations

import asyncio
import random
import time

from gateway.dataplane import relay, replies
from gateway.dataplane.context import Call
from gateway.dataplane.errors import BadRequest, UpstreamError, UpstreamTimeout
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.records import UpstreamRecord
from gateway.dataplane.runtime import Runtime
from gateway.dataplane.upstreams import UpstreamRequest, UpstreamResponse
from gateway.dataplane.upstreams.balancer import Group, Target
from gateway.dataplane.upstreams.health import watch

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
FIRST_PAUSE_SECONDS = 0.025
LONGEST_PAUSE_SECONDS = 1.0
# An upstream that asks for more patience than this gets its answer passed on instead.
LONGEST_RETRY_AFTER_SECONDS = 5.0

groups: RecordMemo[UpstreamRecord, Group] = RecordMemo(Group)


async def exchange(call: Call, runtime: Runtime, record: UpstreamRecord, request: UpstreamRequest) -> None:
    """Send the request and relay the answer, within the total time the version allows."""
    group = groups.of(record)
    if group.is_plain and call.body_is_read:
        # The client bounds the upstream's part, the listener a caller that does not read.
        call.exchange.write_seconds = request.total_seconds
        replies.record_started(call, runtime)
        await _attempt(call, runtime, request)
        return
    try:
        async with asyncio.timeout(request.total_seconds):
            if group.is_plain:
                replies.record_started(call, runtime)
                await _attempt(call, runtime, request)
            else:
                await _Attempts(call, runtime, group, request).run()
    except TimeoutError as error:
        if not call.body_is_read:
            raise BadRequest("The body did not arrive in the time this version allows.") from error
        raise UpstreamTimeout(f"The answer was not complete within {request.total_seconds:g} s.") from error


async def _attempt(call: Call, runtime: Runtime, request: UpstreamRequest) -> None:
    call.upstream_start_ns = time.monotonic_ns()
    response = await runtime.upstream.send(request)
    call.first_byte_ns = time.monotonic_ns()
    await pass_on(call, runtime, response)


async def pass_on(call: Call, runtime: Runtime, response: UpstreamResponse) -> None:
    """Relay an answer and let go of its connection."""
    try:
        await relay.relay(call, runtime, response)
    finally:
        call.upstream_end_ns = call.upstream_end_ns or time.monotonic_ns()
        await response.aclose()


class _Attempts:
    """The attempts of one call."""

    def __init__(self, call: Call, runtime: Runtime, group: Group, request: UpstreamRequest) -> None:
        self._call, self._runtime, self._group, self._request = call, runtime, group, request
        self._path = request.url[len(group.record.base_url.rstrip("/")) :]
        self._tried: list[Target] = []
        body = request.body
        has_key = call.header(b"idempotency-key") is not None
        self._is_repeatable = body is None or isinstance(body, bytes)
        self._is_harmless = call.method in IDEMPOTENT or has_key

    async def run(self) -> None:
        """Try until an answer is passed on, or raise the last failure."""
        self._group.note_call()
        if self._group.record.health_path:
            watch(self._group, self._runtime, self._call.entry.key if self._call.entry else "")
        while True:
            target = self._group.choose(self._tried)
            self._tried.append(target)
            self._request.url = target.base_url + self._path
            if await self._try(target):
                return

    async def _try(self, target: Target) -> bool:
        """Make one attempt; return False when it failed and may be made again."""
        call, record = self._call, self._group.record
        replies.record_started(call, self._runtime)
        call.upstream_start_ns, call.upstream_status = time.monotonic_ns(), 0
        target.pending += 1
        try:
            try:
                response = await self._runtime.upstream.send(self._request)
            except UpstreamError as error:
                target.failed(self._group.clock(), record)
                if not self._may_repeat(is_unsent=error.is_unsent):
                    raise
                await self._repeat(error.status, error.detail)
                return False
            call.first_byte_ns = time.monotonic_ns()
            wait = self._judge(target, response)
            if wait is not None and self._may_repeat(is_unsent=False):
                await response.aclose()
                await self._repeat(response.status, f"The upstream answered with status {response.status}.", wait)
                return False
            await pass_on(call, self._runtime, response)
            return True
        finally:
            target.pending -= 1
            target.is_on_trial = False

    def _judge(self, target: Target, response: UpstreamResponse) -> float | None:
        """Note how the target did; return the seconds to wait before a repetition, None when none is due."""
        record, now = self._group.record, self._group.clock()
        if response.status < 500 and response.status != 429:
            target.succeeded()
            return None
        if response.status >= 500:
            target.failed(now, record)
        asked = _retry_after(response)
        if asked and len(self._group.targets) > 1:
            # The others may be asked at once; this one wants to be left alone.
            target.cool_down(now + min(asked, LONGEST_RETRY_AFTER_SECONDS))
            asked = 0.0
        if response.status not in record.retry_statuses or asked > LONGEST_RETRY_AFTER_SECONDS:
            return None
        return asked

    def _may_repeat(self, *, is_unsent: bool) -> bool:
        call = self._call
        is_left = len(self._tried) <= self._group.record.retries
        is_allowed = self._is_repeatable and (self._is_harmless or is_unsent) and not call.is_started
        return is_left and is_allowed and self._group.may_retry()

    async def _repeat(self, status: int, reason: str, wait: float = 0.0) -> None:
        """End the record of an attempt and wait: full jitter, no less than the upstream asked for."""
        replies.record_retried(self._call, self._runtime, status=status, reason=reason)
        most = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** len(self._tried))
        await asyncio.sleep(wait + random.uniform(0, most))  # noqa: S311  to spread calls, not to hide anything


def _retry_after(response: UpstreamResponse) -> float:
    """Return the seconds of Retry-After, 0 without one (a date is as good as none: clocks differ)."""
    value = next((value for name, value in response.headers if name == b"retry-after"), b"")
    return float(value) if value.isdigit() else 0.0
