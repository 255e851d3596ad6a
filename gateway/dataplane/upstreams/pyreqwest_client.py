"""The upstream client on pyreqwest (Rust's reqwest and hyper): one pool per origin and checked address."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ConnectTimeoutError,
    DecodeError,
    NetworkError,
    PyreqwestError,
    RequestError,
    RequestTimeoutError,
)
from pyreqwest.request import RequestBuilder, StreamRequest
from pyreqwest.response import Response

from gateway.dataplane.errors import Header, UpstreamError, UpstreamInvalid, UpstreamTimeout, UpstreamUnreachable
from gateway.dataplane.upstreams import UpstreamRequest
from gateway.dataplane.upstreams.guard import Guard, Origin
from gateway.dataplane.upstreams.pinned import Addresses, watched

KEPT_CLIENTS = 512
IDLE_SECONDS = 30
# Kept below what it costs a connection to be opened; above it the upstream's own limits matter more.
IDLE_PER_HOST = 512
CONNECT_CAUSE = "client error (Connect)"


class PyreqwestUpstream:
    """Holds the pools. `send` is all that the proxy uses."""

    def __init__(self, guard: Guard) -> None:
        self._addresses = Addresses(guard)
        self._clients: dict[tuple[Origin, str, float], Client] = {}

    async def send(self, request: UpstreamRequest) -> PyreqwestResponse:
        """Send to the first address that can be connected to; return once the head of the answer is there."""
        origin, addresses = await self._addresses.of(request)
        last = addresses[-1]
        for address in addresses:
            client = self._client(origin, address, request.connect_seconds)
            try:
                return await self._exchange(client, request)
            except _NotConnected as error:
                # Nothing was sent, so another address of the same name may be tried.
                if address is last:
                    raise error.outcome from error
        raise UpstreamUnreachable("The upstream's name has no address.")

    async def aclose(self) -> None:
        """Close all pools."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    def _client(self, origin: Origin, address: str, connect_seconds: float) -> Client:
        key = (origin, address, connect_seconds)
        client = self._clients.get(key)
        if client is None:
            if len(self._clients) >= KEPT_CLIENTS:
                # The oldest pool goes; calls on their way keep it alive until they are done.
                del self._clients[next(iter(self._clients))]
            client = self._clients[key] = build_client(origin, address, connect_seconds)
        return client

    async def _exchange(self, client: Client, request: UpstreamRequest) -> PyreqwestResponse:
        try:
            async with asyncio.timeout(request.first_byte_seconds) as timeout:
                prepared = _prepare(client, request, timeout).streamed_read_buffer_limit(0).build_streamed()
                response = await prepared.__aenter__()
        except BuilderError as error:
            raise UpstreamUnreachable("The upstream's address or a header for it is not valid.") from error
        except ConnectTimeoutError as error:
            raise _NotConnected(UpstreamTimeout("The upstream took no connection in time.")) from error
        except TimeoutError as error:
            raise UpstreamTimeout(f"No answer began within {request.first_byte_seconds:g} s.") from error
        except DecodeError as error:
            raise UpstreamInvalid("The upstream's answer is not HTTP.") from error
        except NetworkError as error:
            raise _failure_of(error) from error
        except PyreqwestError as error:
            raise UpstreamUnreachable("The connection to the upstream failed.") from error
        return PyreqwestResponse(prepared, response, request.between_chunks_seconds)


class _NotConnected(Exception):  # noqa: N818  never leaves this module
    def __init__(self, outcome: UpstreamError) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


def _failure_of(error: NetworkError) -> Exception:
    causes = [cause["message"] for cause in error.details["causes"] or ()]
    if CONNECT_CAUSE in causes:
        return _NotConnected(UpstreamUnreachable("The upstream takes no connection."))
    return UpstreamUnreachable("The upstream closed the connection before it answered.")


def build_client(origin: Origin, address: str, connect_seconds: float) -> Client:
    """Return a pool that connects to this address alone, follows nothing, decodes nothing and keeps no cookies."""
    return (
        ClientBuilder()
        .no_proxy()
        .follow_redirects(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .user_agent("gatehouse")
        .resolve(origin.host, address, origin.port)
        .connect_timeout(timedelta(seconds=connect_seconds))
        .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .build()
    )


def _prepare(client: Client, request: UpstreamRequest, timeout: asyncio.Timeout) -> RequestBuilder:
    builder = client.request(request.method, request.url)
    for name, value in request.headers:
        builder = builder.header(name.decode("latin-1"), _text(value))
    body = request.body
    if body is None:
        return builder
    if isinstance(body, bytes):
        # An empty body would be sent without its length, which some services answer with 411.
        return builder.body_bytes(body) if body else builder.header("content-length", "0")
    if request.content_length is not None:
        builder = builder.header("content-length", str(request.content_length))
    return builder.body_stream(watched(body, timeout, request.first_byte_seconds))


def _text(value: bytes) -> str:
    # The library writes text as UTF-8: what came as UTF-8 goes out byte for byte.
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class PyreqwestResponse:
    """A streamed answer."""

    __slots__ = ("_between", "_is_closed", "_read", "_request", "headers", "status")

    def __init__(self, request: StreamRequest, response: Response, between_chunks_seconds: float) -> None:
        self._request = request
        self._read = response.body_reader.read_chunk
        self._between = between_chunks_seconds
        self._is_closed = False
        self.status = response.status
        self.headers = _headers(response)

    async def read(self) -> bytes:
        """Return the next piece, b"" at the clean end."""
        try:
            async with asyncio.timeout(self._between):
                chunk = await self._read()
        except (TimeoutError, RequestTimeoutError) as error:
            raise UpstreamTimeout(f"The upstream sent nothing more for {self._between:g} s.") from error
        except RequestError as error:
            raise UpstreamUnreachable("The upstream broke off in the middle of its answer.") from error
        return b"" if chunk is None else bytes(chunk)

    async def aclose(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        if not self._is_closed:
            self._is_closed = True
            await self._request.__aexit__(None, None, None)


def _headers(response: Response) -> list[Header]:
    try:
        return [(name.encode(), value.encode()) for name, value in response.headers.items()]
    except ValueError:
        # One value is not UTF-8, and the library gives no bytes: the others are still worth having.
        return [pair for name in dict.fromkeys(response.headers.keys()) for pair in _readable(response, name)]


def _readable(response: Response, name: str) -> list[Header]:
    try:
        return [(name.encode(), value.encode()) for value in response.get_header_all(name)]
    except ValueError:
        return []
