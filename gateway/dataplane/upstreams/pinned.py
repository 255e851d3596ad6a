"""What both clients share: from a URL to the checked addresses it may be sent to, and the watch over its first byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.dataplane.errors import UpstreamForbidden, UpstreamUnreachable
from gateway.dataplane.upstreams import UpstreamRequest
from gateway.dataplane.upstreams.guard import AddressForbidden, Guard, NameUnresolved, Origin, read_origin

KEPT_ORIGINS = 4096


class Addresses:
    """Finds where a request goes. The errors name no address: a caller need not learn an inner network."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._origins: dict[str, Origin] = {}

    async def of(self, request: UpstreamRequest) -> tuple[Origin, tuple[str, ...]]:
        """Return the origin and its checked addresses; raise UpstreamForbidden or UpstreamUnreachable."""
        origin = self._origin(request.url)
        known = self._guard.known(origin.host, origin.port)
        if known is not None:
            return origin, known
        try:
            found = await self._guard.resolve(origin.host, origin.port, seconds=request.connect_seconds)
        except AddressForbidden as error:
            raise UpstreamForbidden(
                "The upstream's address is not one that this gateway may call. Its owner must correct it, or an admin "
                "must add its network to GATEHOUSE_PRIVATE_NETWORKS."
            ) from error
        except NameUnresolved as error:
            raise UpstreamUnreachable("The upstream's name cannot be resolved.") from error
        return origin, found

    def _origin(self, url: str) -> Origin:
        end = url.find("/", 8)
        text = url if end < 0 else url[:end]
        origin = self._origins.get(text)
        if origin is None:
            try:
                origin = read_origin(text)
            except ValueError as error:
                raise UpstreamUnreachable(f"The upstream's address is not valid: {error}.") from error
            if len(self._origins) >= KEPT_ORIGINS:
                self._origins.clear()
            self._origins[text] = origin
        return origin


async def watched(
    body: AsyncIterator[bytes], clock: asyncio.Timeout, first_byte_seconds: float
) -> AsyncIterator[bytes]:
    """Pass a body on; the wait for the first byte of the answer begins anew with each piece handed over.

    While the caller is the slow one the upstream is not to blame, so its clock stands still then.
    """
    loop = asyncio.get_running_loop()
    clock.reschedule(None)
    async for chunk in body:
        clock.reschedule(loop.time() + first_byte_seconds)
        yield chunk
        clock.reschedule(None)
    clock.reschedule(loop.time() + first_byte_seconds)
