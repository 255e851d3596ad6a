"""The seam to whatever stands behind the gateway: one request out, one streamed response back.

Implementations: `asyncio_client.AsyncioUpstream` (the default) and `httpx_client.HttpxUpstream`; both pass the same
suite. Rules for both: the address comes from `guard.Guard` and is pinned, no redirect is followed, nothing is decoded,
no header is added but those HTTP itself needs, environment proxies are ignored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from gateway.dataplane.errors import Header
from gateway.dataplane.records import TlsRecord


@dataclass(slots=True)
class UpstreamRequest:
    """One request. `headers` are complete but for Host and framing; `body` is None, bytes, or an iterator to stream.

    `content_length` may be given for a streamed body whose length the caller declared.
    """

    method: str
    url: str
    headers: list[Header]
    body: bytes | AsyncIterator[bytes] | None = None
    content_length: int | None = None
    connect_seconds: float = 5.0
    first_byte_seconds: float = 30.0
    between_chunks_seconds: float = 30.0
    total_seconds: float = 120.0
    tls: TlsRecord | None = None
    # The headers ask for another protocol: an answer of 101 opens a tunnel, see UpstreamResponse.write.
    is_upgrade: bool = False


class UpstreamResponse(Protocol):
    """The head of an answer, and its body as it arrives."""

    @property
    def status(self) -> int:
        """Return the status code."""
        ...

    @property
    def headers(self) -> list[Header]:
        """Return the headers in order, names in lower case, repeated ones repeated."""
        ...

    async def read(self) -> bytes:
        """Return the next piece as it came from the network, b"" at the clean end.

        Raises UpstreamTimeout between chunks and when the whole takes longer than the request's total, and
        UpstreamUnreachable when the body broke off.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send through the tunnel that a 101 opened; `read` then gives what comes back, however long it takes."""
        ...

    async def aclose(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end. Safe to call twice."""
        ...


class Upstream(Protocol):
    """Sends requests; holds the connections."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Return once the response's head is there; raise an errors.UpstreamError otherwise."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
