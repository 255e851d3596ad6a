"""The public keys of foreign issuers: fetched when a token first needs them, kept, asked for anew in the background.

One fetch at a time for each address; a failed one keeps what is known. Addresses pass the same guard as upstreams.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson

from gateway.dataplane.errors import UpstreamError
from gateway.dataplane.upstreams import Upstream, UpstreamRequest

log = logging.getLogger("gatehouse.issuers")

FETCH_SECONDS = 3.0
FRESH_SECONDS = 600.0
# An unknown key id, or a failure, asks again after this: tokens with made-up ids must not make us ask each time.
AGAIN_SECONDS = 10.0
SET_BYTES = 256 * 1024


@dataclass(slots=True)
class KeySet:
    """What is known of one address. Moments are on the monotonic clock."""

    keys: dict[str, Any] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    task: asyncio.Task[None] | None = None


class KeySets:
    """The key sets of one worker."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._sets: dict[str, KeySet] = {}

    def find(self, url: str, key_id: str) -> Any:
        """Return a public key, None when it is not known. A set that is old is fetched anew meanwhile."""
        known = self._sets.setdefault(url, KeySet())
        if known.keys and time.monotonic() - known.fetched_at > FRESH_SECONDS:
            self._fetch_soon(url, known)
        return known.keys.get(key_id)

    async def load(self, url: str, key_id: str) -> None:
        """Fetch the set where this key is not known and it was not asked for a moment ago."""
        known = self._sets.setdefault(url, KeySet())
        if key_id in known.keys:
            return
        self._fetch_soon(url, known)
        if known.task is not None:
            # Whoever leaves must not end the fetch that others wait for.
            await asyncio.shield(known.task)

    def is_known(self, url: str) -> bool:
        """Say whether the address has ever answered."""
        return bool(self._sets.get(url, KeySet()).keys)

    def _fetch_soon(self, url: str, known: KeySet) -> None:
        if known.task is None and time.monotonic() - known.tried_at > AGAIN_SECONDS:
            known.task = asyncio.get_running_loop().create_task(self._fetch(url, known), name="issuer keys")

    async def _fetch(self, url: str, known: KeySet) -> None:
        known.tried_at = time.monotonic()
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                known.keys = _read(await self._get(url))
            known.fetched_at = time.monotonic()
        except (UpstreamError, TimeoutError, ValueError, jwt.PyJWTError) as error:
            log.warning("event=issuer_keys_failed url=%s reason=%r", url, str(error)[:200])
        finally:
            known.task = None

    async def _get(self, url: str) -> bytes:
        response = await self._upstream.send(UpstreamRequest("GET", url, [(b"accept", b"application/json")]))
        try:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            body = b""
            while chunk := await response.read():
                body += chunk
                if len(body) > SET_BYTES:
                    raise ValueError(f"over {SET_BYTES} bytes")
            return body
        finally:
            await response.aclose()


def _read(body: bytes) -> dict[str, Any]:
    """Return the usable keys by their id ("" for one without); raise ValueError when there is none."""
    content = orjson.loads(body)
    entries = content.get("keys") if isinstance(content, dict) else None
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("use", "sig") == "sig" and entry.get("kty") != "oct":
            try:
                found[str(entry.get("kid", ""))] = jwt.PyJWK(entry).key
            except jwt.PyJWTError:
                # One key of a kind we cannot use does not spoil the others.
                continue
    if not found:
        raise ValueError("no usable key")
    return found
