"""Carries a call of kind `rest` to its upstream and the answer back: header rules, bodies in pieces, honest endings.

RFC 9110 §7.6 says what may pass a proxy. Nothing is buffered but a small request body whose length was declared, and
the first piece of an answer with a declared length, so that its failure can still be told as a problem.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from gateway.dataplane import replies, tracing
from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header, HeadersTooLarge, QueryTooLong, UpstreamInvalid, UpstreamUnreachable
from gateway.dataplane.policies.header_rules import rules
from gateway.dataplane.policies.key_auth import KEY_HEADERS, carries_our_key
from gateway.dataplane.policies.key_places import query_without_key, without_key
from gateway.dataplane.records import RouteRecord, UpstreamRecord
from gateway.dataplane.rewrite import rewrites
from gateway.dataplane.runtime import Runtime
from gateway.dataplane.upstreams import UpstreamRequest, UpstreamResponse

SMALL_BODY_BYTES = 64 * 1024
# RFC 9110 §7.6.1, with those that are sent without being named in Connection.
HOP_BY_HOP = frozenset(
    {
        b"connection", b"proxy-connection", b"keep-alive", b"te", b"transfer-encoding", b"upgrade", b"trailer",
        b"proxy-authorization", b"proxy-authenticate", b"http2-settings",
    }
)  # fmt: skip
# What the gateway says itself: a caller must not be able to say it (STANDARDS 5).
OWN_REQUEST_HEADERS = HOP_BY_HOP | {
    b"host", b"content-length", b"expect", b"via", b"forwarded", b"x-real-ip", b"x-request-id",
}  # fmt: skip
OWN_PREFIXES = (b"x-forwarded-", b"gatehouse-")
OWN_RESPONSE_HEADERS = HOP_BY_HOP | {b"x-request-id", b"gatehouse-overhead-ms"}
BODILESS_STATUSES = replies.BODILESS


def target_of(call: Call) -> UpstreamRecord:
    """Return where the version's calls go."""
    assert call.entry is not None
    target = call.state.upstreams.get(call.entry.key)
    if target is None:
        raise UpstreamUnreachable("This version has no upstream. Its owners must set one.")
    return target


def refuse_early(call: Call, target: UpstreamRecord) -> None:
    """Refuse by the head alone what the body could only confirm: before anything is counted."""
    route = call.route
    if route is not None and (route.max_query_bytes or route.max_header_bytes):
        _check_head_sizes(call, route)
    replies.check_declared_length(call, target.max_body_bytes)


def _check_head_sizes(call: Call, route: RouteRecord) -> None:
    if route.max_query_bytes and len(call.query) > route.max_query_bytes:
        raise QueryTooLong(f"The query is over the {route.max_query_bytes} bytes that this version takes.")
    size = sum(len(name) + len(value) + 4 for name, value in call.headers)
    if route.max_header_bytes and size > route.max_header_bytes:
        raise HeadersTooLarge(f"The headers are over the {route.max_header_bytes} bytes that this version takes.")


async def transform(call: Call, target: UpstreamRecord, pseudonym: str) -> UpstreamRequest:
    """Build the upstream's request. A small declared body is read here, another one is streamed."""
    declared, is_chunked = _framing(call)
    request = UpstreamRequest(
        call.method,
        _url(call, target),
        request_headers(call, target, pseudonym),
        connect_seconds=target.connect_seconds,
        first_byte_seconds=target.first_byte_seconds,
        between_chunks_seconds=target.between_chunks_seconds,
        total_seconds=target.total_seconds,
        tls=target.tls,
    )
    if call.whole_body is not None:
        request.body = call.whole_body or None
    elif declared is not None and declared <= SMALL_BODY_BYTES:
        request.body = await replies.read_body(call, target.max_body_bytes)
    elif declared is not None or is_chunked:
        request.body = replies.stream_body(call, target.max_body_bytes)
        request.content_length = declared
    else:
        call.body_is_read = True
    return request


def _framing(call: Call) -> tuple[int | None, bool]:
    declared, is_chunked = None, False
    for name, value in call.headers:
        if name == b"content-length":
            declared = int(value)
        elif name == b"transfer-encoding":
            is_chunked = True
    return declared, is_chunked


def _url(call: Call, target: UpstreamRecord) -> str:
    remainder, query = call.remainder, call.query.decode("latin-1")
    if call.route is not None and call.route.key_places is not None:
        query = query_without_key(query, call.route.key_places)
    if call.route is not None and call.route.rewrite is not None:
        rewrite = rewrites.of(call.route.rewrite)
        remainder, query = rewrite.path(call), rewrite.query(query)
    path = target.base_url.rstrip("/") + remainder
    if not remainder and path.count("/") == 2:
        path += "/"
    return f"{path}?{query}" if query else path


def request_headers(call: Call, target: UpstreamRecord, pseudonym: str) -> list[Header]:
    """Return what goes upstream: the caller's fields but for those of this hop, our own, and the fixed ones."""
    named = _named_by_connection(call.headers)
    fixed = [(name.lower().encode(), value.encode()) for name, value in target.headers]
    dropped = named.union(name for name, _ in fixed)
    headers: list[Header] = []
    via, host = [], b""
    for name, value in call.headers:
        if name == b"via":
            via.append(value)
        elif name == b"host":
            host = value
        elif (
            name in OWN_REQUEST_HEADERS
            or name == tracing.NAME
            or name in dropped
            or name.startswith(OWN_PREFIXES)
            or (name in KEY_HEADERS and carries_our_key(name, value))
            or name in call.spent_headers
        ):
            continue
        else:
            headers.append((name, value))
    via.append(f"{call.http_version} {pseudonym}".encode())
    headers += fixed
    headers += [
        (b"via", b", ".join(via)),
        (b"x-forwarded-for", call.peer.encode()),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", call.scheme.encode()),
        (b"x-request-id", call.id.encode()),
        tracing.next_hop(call.headers, call.id, is_traced=call.is_traced),
    ]
    if call.route is not None and call.route.key_places is not None:
        headers = without_key(headers, call.route.key_places)
    if call.route is not None and call.route.request_headers is not None:
        return rules.of(call.route.request_headers).apply(headers, call)
    return headers


def _named_by_connection(headers: list[Header]) -> set[bytes]:
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"connection":
            named.update(token.strip().lower() for token in value.split(b","))
    return named


async def relay(call: Call, runtime: Runtime, response: UpstreamResponse) -> None:
    """Pass an answer on, piece by piece, as it comes."""
    status = call.upstream_status = response.status
    if not 200 <= status <= 599:
        raise UpstreamInvalid(f"The upstream answered with status {status}, which no caller could use.")
    headers = response_headers(call, response.headers, runtime.settings.pseudonym)
    if call.method == "HEAD" or status in BODILESS_STATUSES:
        if status == 204:
            headers = [pair for pair in headers if pair[0] != b"content-length"]
        replies.respond_bodiless(call, runtime, status, headers)
        return
    length = _declared_length(response.headers)
    most = call.route.max_response_bytes if call.route is not None else 0
    if most and length is not None and length > most:
        raise UpstreamInvalid(f"The upstream's answer is over the {most} bytes that this version allows.")
    if length == 0:
        replies.respond_bodiless(call, runtime, status, headers)
        return
    call.is_streamed = length is None
    if length is None:
        replies.start(call, runtime, status, headers)
        chunk = await response.read()
    else:
        chunk = await response.read()
        if not chunk:
            raise UpstreamUnreachable("The upstream broke off before the body it announced.")
        replies.start(call, runtime, status, headers)
    await _relay_body(call, runtime, response, chunk, length, most)


async def _relay_body(
    call: Call, runtime: Runtime, response: UpstreamResponse, chunk: bytes, length: int | None, most: int
) -> None:
    left = length
    while chunk:
        if most and call.response_bytes + len(chunk) > most:
            # The head has left: the answer is cut, not shortened.
            raise UpstreamInvalid(f"The upstream's answer is over the {most} bytes that this version allows.")
        if left is not None:
            left -= len(chunk)
            if left <= 0:
                break
        await replies.write(call, chunk)
        chunk = await response.read()
    if left is not None and left != 0:
        raise UpstreamUnreachable("The upstream's body is not as long as it announced.")
    call.upstream_end_ns = time.monotonic_ns()
    await replies.end(call, runtime, chunk)


def _declared_length(headers: list[Header]) -> int | None:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def response_headers(call: Call, headers: list[Header], pseudonym: str) -> list[Header]:
    """Return what goes back to the caller: the upstream's fields but for those of its hop, and `Via`."""
    named = _named_by_connection(headers)
    passed = [(name, value) for name, value in headers if name not in OWN_RESPONSE_HEADERS and name not in named]
    if call.state_headers:
        passed = _keep_earliest(call, passed)
    if call.cors_headers:
        # Where the version has a rule of its own, the upstream's would be a second one.
        passed = [pair for pair in passed if not pair[0].startswith(b"access-control-")]
    if call.route is not None and call.route.response_headers is not None:
        passed = rules.of(call.route.response_headers).apply(passed, call)
    passed.append((b"via", f"1.1 {pseudonym}".encode()))
    return passed


def _keep_earliest(call: Call, headers: list[Header]) -> list[Header]:
    """Where both the upstream and the version give a date, the earlier one counts (STANDARDS 1)."""
    for name in (b"deprecation", b"sunset"):
        theirs = [pair for pair in headers if pair[0] == name]
        ours = [pair for pair in call.state_headers if pair[0] == name]
        if not theirs or not ours:
            continue
        earlier, later = _moment(theirs[0]), _moment(ours[0])
        if earlier is not None and later is not None and earlier < later:
            call.state_headers = [pair for pair in call.state_headers if pair[0] != name]
        else:
            headers = [pair for pair in headers if pair[0] != name]
    return headers


def _moment(header: Header) -> float | None:
    name, value = header
    text = value.decode("latin-1").strip()
    try:
        return float(text[1:]) if name == b"deprecation" else parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
