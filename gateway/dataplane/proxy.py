"""Serves one call, phase by phase. The order of the phases is the order of the refusals.

route → authenticate → authorise, then the handler of the API's kind: admit → transform → upstream → relay, then
record and settle. `route`, `authenticate`, `authorise` have no `await`, so they see one generation.

A handler (`Runtime.handlers[kind]`, `async def serve_x(call, runtime)`) must
1. take every record it needs from `call.state` before its first `await`,
2. call `limits.admit(call, runtime)` exactly once before it sends anything upstream (AI: after it has set
   `call.reserved_tokens` and `call.reserved_nano` to the worst case),
3. call `replies.record_started(call, runtime)` right before the first byte goes upstream, and set
   `call.upstream_start_ns`, `first_byte_ns`, `upstream_end_ns`, `upstream_status` as it goes,
4. answer through `replies` (`respond`, or `start`/`write`/`end`), with the usage fields final before the last piece,
5. raise an `errors.GatewayError` to refuse or fail: before the head it becomes a problem, after it the connection is
   cut (a stream with its own error event sends that, notes it with `replies.note_refusal` and then `replies.end`s),
6. let `ClientGone` and `asyncio.CancelledError` pass after releasing what it holds: when the caller leaves, the task
   of the call is cancelled at whatever it awaits.
`limits.settle(call, runtime)` runs after every call that was admitted (`call.decision` is set), however it ended.
"""

from __future__ import annotations

import asyncio
import logging
import time

from gateway.dataplane import alternates, attempts, elsewhere, idempotency, relay, replies, tunnel
from gateway.dataplane.context import Call
from gateway.dataplane.errors import ClientGone, GatewayError, InternalError, LoopDetected, RouteNotFound
from gateway.dataplane.policies import access, cors, key_auth, limits, signatures, token_auth
from gateway.dataplane.records import CorsRecord
from gateway.dataplane.router import allowed_methods, find_operation
from gateway.dataplane.runtime import Runtime

log = logging.getLogger("gatehouse.call")
# For kinds of APIs that have no upstream of their own.
SIGNED_BODY_BYTES = 10 * 1024 * 1024


async def serve(call: Call, runtime: Runtime) -> None:
    """Serve one call from its first phase to its last; raises nothing but a cancellation that is not the caller's."""
    metrics = runtime.metrics
    metrics.in_flight += 1
    try:
        await _run(call, runtime)
    except asyncio.CancelledError:
        # The listener cancels the call when its connection is lost; any other cancellation is the worker's own end.
        if not call.exchange.disconnected:
            call.code, call.fault, call.verdict = "interrupted", "gateway", "The worker stopped before the call ended."
            raise
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        call.is_client_gone = True
    finally:
        metrics.in_flight -= 1
        replies.record(call, runtime)
        metrics.note(call)
        alternates.note(call)
        if runtime.access_log is not None:
            runtime.access_log.note(call)
        if runtime.spans is not None:
            runtime.spans.note(call)
        if call.decision is not None or call.slots:
            await limits.settle(call, runtime)


async def _run(call: Call, runtime: Runtime) -> None:
    try:
        route(call, runtime)
        if call.route is not None and call.route.cors is not None and cors.is_preflight(call):
            await answer_preflight(call, runtime, call.route.cors)
            return
        if call.operation is None and call.method == "OPTIONS":
            await answer_options(call, runtime)
            return
        if call.route is not None and call.route.issuers and await token_auth.prepare(call, runtime):
            # What was found before the wait may have changed in it.
            call.state = runtime.live.current()
            route(call, runtime)
        authenticate(call, runtime)
        authorise(call)
        if call.has_signed_body:
            await check_signed_body(call)
        call.auth_ns = time.monotonic_ns() - call.received_ns
        assert call.route is not None
        await runtime.handlers[call.route.kind](call, runtime)
    except ClientGone:
        call.is_client_gone = True
    except GatewayError as error:
        log.log(error.level, "event=refused call=%s code=%s path=%s", call.id, error.code, call.raw_path[:200])
        _refuse(call, runtime, error)
    except Exception:
        # The edge: whatever went wrong, the caller gets an answer, the log the reason, the ledger the event.
        log.exception("event=failed call=%s path=%s", call.id, call.raw_path[:200])
        _refuse(call, runtime, InternalError("The gateway failed. Its operators find the reason by this id."))


def _refuse(call: Call, runtime: Runtime, error: GatewayError) -> None:
    if call.exchange.disconnected:
        call.is_client_gone = True
    replies.refuse(call, runtime, error)


def route(call: Call, runtime: Runtime) -> None:
    """Find the version and its operation. A version hidden from some tells its state and operations after the key."""
    read_head(call, runtime.settings.pseudonym.encode())
    try:
        entry, call.remainder, call.segments = call.state.router.find(call.raw_path, call.headers, call.query)
    except RouteNotFound as unknown:
        entry, call.remainder, call.segments = elsewhere.find(call, runtime, unknown)
    call.entry, call.route = entry, entry.record
    if entry.record.cors is not None:
        cors.note_origin(call, entry.record.cors)
    if access.is_open_to_all(entry.record):
        access.show_version(call)
        access.check_state(call)
        # Where several revisions are served, which one's operations count is known once the caller is. Who shows
        # nothing learns of the current one's alone.
        if entry.key not in call.state.router.alternates or not key_auth.is_presented(call):
            call.operation = find_operation(entry, call.method, call.segments, call.raw_path)


def read_head(call: Call, pseudonym: bytes) -> None:
    """Keep the caller's own request id; refuse a call that this installation has forwarded before (RFC 9110 §7.6.3)."""
    for name, value in call.headers:
        if name == b"x-request-id":
            call.client_request_id = value[:128].decode("ascii", "replace")
        elif name == b"via" and pseudonym in value:
            raise LoopDetected("An API's upstream leads back to this gateway. Correct its upstream address.")


def authenticate(call: Call, runtime: Runtime) -> None:
    """Find out who calls, unless the version is public or it took the caller to find it."""
    assert call.route is not None
    if not call.route.is_public and not call.is_authenticated:
        key_auth.authenticate(call, runtime)


def authorise(call: Call) -> None:
    """Check what the caller may do here, and find the operation where `route` could not tell it yet."""
    assert call.route is not None
    assert call.entry is not None
    if not call.route.is_public:
        access.authorise(call)
    if (beside := call.state.router.alternates.get(call.route.beside or call.entry.key)) is not None:
        call.entry = alternates.choose(call, call.entry, beside)
        call.route, call.operation = call.entry.record, None
        call.extra_headers.append((b"gatehouse-revision", b"%d" % call.route.revision))
    if call.operation is None:
        if call.route.is_public:
            access.show_version(call)
            access.check_state(call)
        call.operation = find_operation(call.entry, call.method, call.segments, call.raw_path)


async def check_signed_body(call: Call) -> None:
    """Read the body and compare it with the digest that was signed, before anything of it goes on."""
    upstream = call.state.upstreams.get(call.entry.key) if call.entry is not None else None
    body = await replies.read_body(call, upstream.max_body_bytes if upstream is not None else SIGNED_BODY_BYTES)
    signatures.check_body(call.headers, body)
    call.whole_body = body


async def answer_options(call: Call, runtime: Runtime) -> None:
    """Answer an OPTIONS that the document does not describe: which methods there are, and the version's headers."""
    assert call.entry is not None
    allow = ", ".join(allowed_methods(call.entry, call.segments))
    replies.respond(call, runtime, 204, [(b"allow", allow.encode())], b"")


async def answer_preflight(call: Call, runtime: Runtime, rule: CorsRecord) -> None:
    """Answer a browser's question before its call; it carries no key and learns no more than the rule."""
    assert call.entry is not None
    methods = allowed_methods(call.entry, call.segments)
    replies.respond(call, runtime, 204, cors.preflight_headers(call, rule, methods), b"")


async def serve_rest(call: Call, runtime: Runtime) -> None:
    """Serve a call of kind `rest` from its upstream: admit, transform, upstream, relay."""
    if call.operation is None:
        await answer_options(call, runtime)
        return
    target = relay.target_of(call)
    relay.refuse_early(call, target)

    async def forward() -> None:
        await limits.admit(call, runtime)
        request = await relay.transform(call, target, runtime.settings.pseudonym)
        if tunnel.is_asked_for(call) and not request.body:
            await tunnel.serve(call, runtime, target, request)
        else:
            await attempts.exchange(call, runtime, target, request)

    rule = idempotency.rule_of(call)
    if rule is None:
        await forward()
    else:
        await idempotency.serve(call, runtime, rule, forward, target.total_seconds)
