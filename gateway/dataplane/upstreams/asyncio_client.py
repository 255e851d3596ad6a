"""The upstream client on asyncio and httptools: one pool per origin and checked address, one ticker for all deadlines.

It exists for two things the libraries do not give: a request that is given up before its answer has begun ends at the
upstream at once, and a call costs little CPU (docs/adr/0003).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator
from functools import partial

from gateway.dataplane.errors import UpstreamError, UpstreamInvalid, UpstreamTimeout, UpstreamUnreachable
from gateway.dataplane.records import TlsRecord
from gateway.dataplane.upstreams import UpstreamRequest
from gateway.dataplane.upstreams.connection import Connection, ConnectionStale, Exchange
from gateway.dataplane.upstreams.guard import Guard, Origin
from gateway.dataplane.upstreams.pinned import Addresses
from gateway.dataplane.upstreams.tls import context_of

TICK_SECONDS = 0.05
IDLE_SECONDS = 30.0
# Kept below what it costs a connection to be opened; above it the upstream's own limits matter more.
IDLE_PER_POOL = 512
# RFC 9110 §9.2.2; a stale connection may be answered by a second sending only for these.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})


class Pool:
    """The connections to one address: all that are open, and those of them that wait for work."""

    __slots__ = ("idle", "open")

    def __init__(self) -> None:
        self.idle: deque[Connection] = deque()
        self.open: set[Connection] = set()

    def release(self, connection: Connection) -> None:
        """Take a connection back."""
        if len(self.idle) >= IDLE_PER_POOL:
            connection.drop()
            return
        connection.idle_until = connection.loop.time() + IDLE_SECONDS
        self.idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """Strike out one that is gone."""
        self.open.discard(connection)
        with contextlib.suppress(ValueError):
            self.idle.remove(connection)

    def drop_idle(self, now: float) -> None:
        """Close what has waited too long. The oldest stand on the left: they are taken from the right."""
        while self.idle and self.idle[0].idle_until < now:
            self.idle.popleft().drop()


class AsyncioUpstream:
    """Holds the pools. `send` is all that the proxy uses."""

    def __init__(self, guard: Guard) -> None:
        self._addresses = Addresses(guard)
        self._pools: dict[tuple[Origin, str, TlsRecord | None], Pool] = {}
        self._running: set[Exchange] = set()
        self._ticker: asyncio.Task[None] | None = None

    async def send(self, request: UpstreamRequest) -> Exchange:
        """Send to the first address that can be connected to; return once the head of the answer is there."""
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="upstream deadlines")
        origin, addresses = await self._addresses.of(request)
        head = _head(request, origin)
        last = addresses[-1]
        for address in addresses:
            pool = self._pools.get((origin, address, request.tls))
            if pool is None:
                pool = self._pools[origin, address, request.tls] = Pool()
            try:
                return await self._send_to(pool, origin, address, request, head)
            except _NotConnected as error:
                # Nothing was sent, so another address of the same name may be tried.
                if address is last:
                    raise error.outcome from error
        raise UpstreamUnreachable("The upstream's name has no address.")

    async def aclose(self) -> None:
        """Close all connections."""
        if self._ticker is not None:
            self._ticker.cancel()
        for pool in self._pools.values():
            for connection in [*pool.open]:
                connection.drop()

    async def _send_to(
        self, pool: Pool, origin: Origin, address: str, request: UpstreamRequest, head: bytes
    ) -> Exchange:
        while pool.idle:
            connection = pool.idle.pop()
            if connection.is_lost:
                continue
            try:
                return await self._exchange(connection, request, head, was_reused=True)
            except ConnectionStale:
                # It was closed while we wrote: a request that may be repeated goes to the next one.
                if request.method not in IDEMPOTENT or not isinstance(request.body, bytes | None):
                    raise
        connection = await self._connect(pool, origin, address, request)
        return await self._exchange(connection, request, head, was_reused=False)

    async def _connect(self, pool: Pool, origin: Origin, address: str, request: UpstreamRequest) -> Connection:
        loop = asyncio.get_running_loop()
        make = partial(Connection, loop, pool.release, pool.forget)
        is_tls = origin.scheme == "https"
        name = (request.tls.server_name if request.tls else "") or origin.host
        try:
            async with asyncio.timeout(request.connect_seconds):
                _, connection = await loop.create_connection(
                    make,
                    address,
                    origin.port,
                    ssl=context_of(request.tls) if is_tls else None,
                    server_hostname=name if is_tls else None,
                )
        except TimeoutError as error:
            raise _NotConnected(UpstreamTimeout("The upstream took no connection in time.")) from error
        except ssl.SSLError as error:
            raise _NotConnected(UpstreamUnreachable("The upstream's certificate or TLS is not accepted.")) from error
        except OSError as error:
            raise _NotConnected(UpstreamUnreachable("The upstream takes no connection.")) from error
        pool.open.add(connection)
        return connection

    async def _exchange(
        self, connection: Connection, request: UpstreamRequest, head: bytes, *, was_reused: bool
    ) -> Exchange:
        exchange = Exchange(connection, request)
        body = request.body
        if body is None or isinstance(body, bytes):
            exchange.expect_within(request.first_byte_seconds)
            connection.begin(exchange, head + body if body else head, was_reused=was_reused)
        else:
            connection.begin(exchange, head, was_reused=was_reused)
            sending = _pump(exchange, body, request.first_byte_seconds, is_chunked=request.content_length is None)
            exchange.pump = connection.loop.create_task(sending, name="upstream body")
        self._running.add(exchange)
        try:
            await exchange.head()
        except BaseException:
            # Whatever ended the wait, the caller's leaving included: the upstream need not go on.
            await exchange.aclose()
            raise
        return exchange

    async def _tick(self) -> None:
        """End what is late: exchanges by their deadline, idle connections by their age, pools that are empty."""
        loop = asyncio.get_running_loop()
        ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            for exchange in [*self._running]:
                if exchange.deadline < now:
                    exchange.late()
                if exchange.is_over:
                    self._running.discard(exchange)
            ticks += 1
            if ticks % 20 == 0:
                self._tidy(now)

    def _tidy(self, now: float) -> None:
        for key, pool in [*self._pools.items()]:
            pool.drop_idle(now)
            if not pool.open:
                del self._pools[key]


class _NotConnected(Exception):  # noqa: N818  never leaves this module
    def __init__(self, outcome: UpstreamError) -> None:
        super().__init__(outcome.detail)
        outcome.is_unsent = True
        self.outcome = outcome


def _head(request: UpstreamRequest, origin: Origin) -> bytes:
    """Return the request line and the fields; raise UpstreamInvalid for a line break inside one of them."""
    start = request.url.find("/", 8)
    target = request.url[start:] if start >= 0 else "/"
    lines = [f"{request.method} {target} HTTP/1.1\r\nhost: {origin.authority}\r\n".encode()]
    for name, value in request.headers:
        lines.append(b"%b: %b\r\n" % (name, value))
    body = request.body
    if isinstance(body, bytes):
        lines.append(b"content-length: %d\r\n" % len(body))
    elif body is not None:
        length = request.content_length
        lines.append(b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length)
    lines.append(b"\r\n")
    head = b"".join(lines)
    breaks = len(request.headers) + 3 + (body is not None)
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise UpstreamInvalid("The upstream's address or a header for it is not valid.")
    return head


async def _pump(exchange: Exchange, body: AsyncIterator[bytes], first_byte_seconds: float, *, is_chunked: bool) -> None:
    """Send a body as the caller sends it. While the caller is waited for, the upstream's clock stands still."""
    connection = exchange.connection
    write = connection.transport.write
    try:
        async for chunk in body:
            if not chunk:
                continue
            write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
            if not exchange.is_head_there:
                exchange.expect_within(first_byte_seconds)
            await connection.drain()
            if not exchange.is_head_there:
                exchange.expect_nothing()
        if is_chunked:
            write(b"0\r\n\r\n")
        if not exchange.is_head_there:
            exchange.expect_within(first_byte_seconds)
    except Exception as error:
        # What stopped the body (it is too large, its sender has left) is what the call ends with.
        exchange.fail(error)
        connection.drop()
