"""The one place from which the control plane calls out: an httpx client behind the SSRF guard.

Every name is resolved and checked here and the connection goes to the checked address, so a name that changes
in between changes nothing. Redirects are not followed; sizes and times are bounded.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from common.errors import Invalid, TooLarge, Unavailable
from gateway.dataplane.upstreams.guard import AddressForbidden, Guard, NameUnresolved, read_origin


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer read whole: `elapsed_ms` from sending to the last byte."""

    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    elapsed_ms: float = 0.0

    @property
    def content_type(self) -> str:
        """Return the media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@lru_cache(maxsize=1)
def guard() -> Guard:
    """Return the installation's guard; its networks come from GATEHOUSE_PRIVATE_NETWORKS."""
    texts = [text.strip() for text in settings.GATEHOUSE_PRIVATE_NETWORKS.split(",") if text.strip()]
    return Guard([ipaddress.ip_network(text) for text in texts])


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def check_url(url: str) -> None:
    """Raise Invalid when a URL may not be called from here; an unknown name is let pass, it may exist tomorrow."""
    try:
        origin = read_origin(url)
        guard().resolve_now(origin.host, origin.port)
    except NameUnresolved:
        return
    except AddressForbidden as error:
        raise Invalid(f"{url} cannot be used: {error}.", errors=[{"detail": str(error), "pointer": ""}]) from error
    except ValueError as error:
        raise Invalid(f"{url!r} cannot be used: {error}.", errors=[{"detail": str(error), "pointer": ""}]) from error


def request(
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
    max_bytes: int = 1024 * 1024,
    timeout_seconds: float = 10.0,
) -> Fetched:
    """Send one request and read its answer; raise Invalid, TooLarge or Unavailable with a sentence that helps."""
    started = time.monotonic()
    with _sent(method, url, headers or {}, content, timeout_seconds) as response:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise TooLarge(f"{url} answers more than {max_bytes // 1024} KB.")
            if time.monotonic() - started > timeout_seconds:
                raise Unavailable(f"{url} took longer than {timeout_seconds:g} s.")
    return Fetched(response.status_code, bytes(body), dict(response.headers), (time.monotonic() - started) * 1000)


def fetch(url: str, *, max_bytes: int, timeout_seconds: float = 10.0) -> Fetched:
    """Get a document; raise Unavailable unless it is there."""
    answer = request("GET", url, max_bytes=max_bytes, timeout_seconds=timeout_seconds)
    if answer.status != 200:
        raise Unavailable(f"{url} answers {answer.status}, 200 is needed. Redirects are not followed.")
    return answer


@contextmanager
def _sent(
    method: str, url: str, headers: dict[str, str], content: bytes | None, timeout_seconds: float
) -> Iterator[httpx.Response]:
    try:
        origin = read_origin(url)
        address = guard().resolve_now(origin.host, origin.port)[0]
    except NameUnresolved as error:
        raise Unavailable(f"The host of {url} cannot be resolved.") from error
    except ValueError as error:
        raise Invalid(f"{url} cannot be called: {error}.", errors=[{"detail": str(error), "pointer": ""}]) from error
    try:
        pinned = httpx.URL(url).copy_with(host=address)
    except httpx.InvalidURL as error:
        raise Invalid(f"The URL cannot be called: {error}.", errors=[{"detail": str(error), "pointer": ""}]) from error
    extensions: dict[str, Any] = {"sni_hostname": origin.host}
    transport = httpx.HTTPTransport(verify=_tls(), retries=0, trust_env=False)
    try:
        with (
            httpx.Client(transport=transport, timeout=timeout_seconds, follow_redirects=False) as client,
            client.stream(
                method, pinned, headers={**headers, "host": origin.authority}, content=content, extensions=extensions
            ) as response,
        ):
            yield response
    except httpx.TimeoutException as error:
        raise Unavailable(f"{url} did not answer within {timeout_seconds:g} s.") from error
    except httpx.HTTPError as error:
        raise Unavailable(f"{url} cannot be reached: {error}.") from error
