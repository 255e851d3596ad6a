"""The upstream client on httpx's transport, behind the same seam: slower, pure Python, passes the same suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpcore
import httpx

from gateway.dataplane.errors import Header, UpstreamError, UpstreamInvalid, UpstreamTimeout, UpstreamUnreachable
from gateway.dataplane.records import TlsRecord
from gateway.dataplane.upstreams import UpstreamRequest
from gateway.dataplane.upstreams.guard import Guard, Origin
from gateway.dataplane.upstreams.pinned import Addresses, watched
from gateway.dataplane.upstreams.tls import context_of

TUNNEL_BYTES = 64 * 1024
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=512, keepalive_expiry=30.0)


class HttpxUpstream:
    """Holds one transport; its pool is keyed by the checked address that the URL names."""

    def __init__(self, guard: Guard) -> None:
        self._addresses = Addresses(guard)
        self._transports: dict[TlsRecord | None, httpx.AsyncHTTPTransport] = {}

    async def send(self, request: UpstreamRequest) -> HttpxResponse:
        """Send to the first address that can be connected to; return once the head of the answer is there."""
        origin, addresses = await self._addresses.of(request)
        last = addresses[-1]
        for address in addresses:
            try:
                return await self._exchange(request, origin, address)
            except httpx.ConnectTimeout as error:
                if address is last:
                    raise _unsent(UpstreamTimeout("The upstream took no connection in time.")) from error
            except httpx.ConnectError as error:
                if address is last:
                    raise _unsent(UpstreamUnreachable("The upstream takes no connection.")) from error
        raise UpstreamUnreachable("The upstream's name has no address.")

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()

    def _transport(self, tls: TlsRecord | None) -> httpx.AsyncHTTPTransport:
        transport = self._transports.get(tls)
        if transport is None:
            transport = self._transports[tls] = httpx.AsyncHTTPTransport(
                verify=context_of(tls), limits=LIMITS, trust_env=False, retries=0
            )
        return transport

    async def _exchange(self, request: UpstreamRequest, origin: Origin, address: str) -> HttpxResponse:
        final = asyncio.get_running_loop().time() + request.total_seconds
        try:
            async with asyncio.timeout(min(request.first_byte_seconds, request.total_seconds)) as timeout:
                prepared = _prepare(request, origin, address, timeout)
                response = await self._transport(request.tls).handle_async_request(prepared)
        except (httpx.ConnectTimeout, httpx.ConnectError):
            raise
        except (TimeoutError, httpx.TimeoutException) as error:
            raise UpstreamTimeout(f"No answer began within {request.first_byte_seconds:g} s.") from error
        except httpx.RemoteProtocolError as error:
            if "disconnected" in str(error):
                raise UpstreamUnreachable("The upstream closed the connection before it answered.") from error
            raise UpstreamInvalid("The upstream's answer is not HTTP.") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise UpstreamUnreachable("The connection to the upstream failed.") from error
        return HttpxResponse(response, request.between_chunks_seconds, final)


def _unsent(error: UpstreamError) -> UpstreamError:
    error.is_unsent = True
    return error


def _prepare(request: UpstreamRequest, origin: Origin, address: str, timeout: asyncio.Timeout) -> httpx.Request:
    start = request.url.find("/", 8)
    target = request.url[start:] if start >= 0 else "/"
    url = httpx.URL(scheme=origin.scheme, host=address, port=origin.port, raw_path=target.encode("ascii"))
    headers = [(b"host", origin.authority.encode()), *request.headers]
    content: bytes | AsyncIterator[bytes] | None = request.body
    if content is not None and not isinstance(content, bytes):
        content = watched(content, timeout, request.first_byte_seconds)
        if request.content_length is not None:
            headers.append((b"content-length", b"%d" % request.content_length))
    # Only the connection has a limit of its own; the rest is watched by our clock.
    extensions = {
        "sni_hostname": (request.tls.server_name if request.tls else "") or origin.host,
        "timeout": {"connect": request.connect_seconds},
    }
    return httpx.Request(request.method, url, headers=headers, content=content, extensions=extensions)


class HttpxResponse:
    """A streamed answer."""

    __slots__ = ("_between", "_chunks", "_final", "_left", "_response", "headers", "status")

    def __init__(self, response: httpx.Response, between_chunks_seconds: float, final: float) -> None:
        self._response = response
        self._chunks = response.aiter_raw()
        self._between = between_chunks_seconds
        # On the loop's clock: by when the answer must be complete.
        self._final = final
        self.status = response.status_code
        self.headers: list[Header] = [(name.lower(), value) for name, value in response.headers.raw]
        self._left = int(response.headers.get("content-length", -1))

    async def write(self, data: bytes) -> None:
        """Send through the tunnel that a 101 opened."""
        await self._response.extensions["network_stream"].write(data)

    async def read(self) -> bytes:
        """Return the next piece, b"" at the clean end."""
        if self.status == 101:
            return await self._read_tunnel()
        try:
            async with asyncio.timeout_at(min(asyncio.get_running_loop().time() + self._between, self._final)):
                chunk = await anext(self._chunks, b"")
                self._left -= len(chunk)
                if self._left == 0:
                    # The transport keeps a connection only when the end of the message was taken from it.
                    await anext(self._chunks, b"")
                return chunk
        except TimeoutError as error:
            raise UpstreamTimeout(f"The upstream sent nothing more for {self._between:g} s.") from error
        except httpx.TransportError as error:
            raise UpstreamUnreachable("The upstream broke off in the middle of its answer.") from error

    async def _read_tunnel(self) -> bytes:
        try:
            piece: bytes = await self._response.extensions["network_stream"].read(TUNNEL_BYTES)
        except httpcore.ReadError:
            return b""
        return piece

    async def aclose(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        await self._response.aclose()
