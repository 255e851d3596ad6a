"""Decides which addresses may be called on someone's behalf (SSRF), for upstreams and for every fetch by URL.

A name is resolved here, every address it has is checked, and the caller connects to exactly those addresses: a name
that changes between check and connection changes nothing. Metadata services are refused always; what is not public
(loopback, private, link-local, shared) only when it lies in GATEHOUSE_PRIVATE_NETWORKS.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Where clouds hand out credentials to whoever asks: AWS, GCP, Azure, DigitalOcean, Oracle (link-local and 192.0.0.192),
# AWS ECS and EKS, AWS over IPv6, Alibaba, Azure's host agent.
METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254", "192.0.0.192", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23",
        "100.100.100.200", "168.63.129.16", "fe80::a9fe:a9fe",
    )
)  # fmt: skip
NAT64 = IPv6Network("64:ff9b::/96")
KEEP_SECONDS = 10.0
KEPT_NAMES = 4096


class AddressForbidden(ValueError):
    """The address is one that must not be called."""


class NameUnresolved(OSError):
    """The name has no address, or the answer took too long."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The part of a URL that is connected to. `host` is ASCII, in lower case, without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Return the value of Host: the default port is left out (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


DEFAULT_PORTS = {"http": 80, "https": 443}


def read_origin(url: str) -> Origin:
    """Return what a URL connects to; raise ValueError for one that two readers could read differently."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("the URL must start with http:// or https://")
    if "@" in parts.netloc or "\\" in url or any(char <= " " for char in url):
        raise ValueError("the URL must not hold a user name, a backslash or a space")
    host = parts.hostname or ""
    if not host or "%" in host:
        raise ValueError("the URL names no host")
    if ":" not in host:
        host = _ascii_name(host)
        # `0x7f.1` and `2130706433` are addresses to some readers and names to others (WHATWG URL, "ends in a number").
        if _ends_in_number(host) and not _is_plain_ipv4(host):
            raise ValueError(f"the host {host!r} is neither a name nor a plain address")
    return Origin(parts.scheme, host, parts.port or DEFAULT_PORTS[parts.scheme])


def _ascii_name(host: str) -> str:
    try:
        return host.rstrip(".").encode("idna").decode().lower()
    except UnicodeError as error:
        raise ValueError(f"the host {host!r} is not a valid name") from error


def _ends_in_number(host: str) -> bool:
    last = host.rsplit(".", 1)[-1]
    return last.isdigit() or last.startswith("0x")


def _is_plain_ipv4(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


class Guard:
    """The rules of one installation, with a short memory of resolved names."""

    def __init__(self, private_networks: Sequence[Network] = ()) -> None:
        self._private = tuple(private_networks)
        self._known: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}

    def check(self, text: str) -> None:
        """Raise AddressForbidden for an address that must not be called."""
        address = _innermost(ip_address(text))
        if address in METADATA:
            raise AddressForbidden(f"{text} is a metadata service, which is never called")
        if address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback):
            raise AddressForbidden(f"{text} is not an address of a service")
        if not address.is_global and not any(
            address in network for network in self._private if network.version == address.version
        ):
            raise AddressForbidden(f"{text} is not public and not in GATEHOUSE_PRIVATE_NETWORKS")

    def known(self, host: str, port: int) -> tuple[str, ...] | None:
        """Return the checked addresses of a name looked up within the last seconds."""
        entry = self._known.get((host, port))
        return entry[1] if entry is not None and entry[0] > time.monotonic() else None

    async def resolve(self, host: str, port: int, *, seconds: float = 5.0) -> tuple[str, ...]:
        """Return the addresses to connect to, in order; raise AddressForbidden or NameUnresolved."""
        try:
            async with asyncio.timeout(seconds):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NameUnresolved(f"{host} cannot be resolved") from error
        return self._accept(host, port, [str(item[4][0]) for item in found])

    def resolve_now(self, host: str, port: int) -> tuple[str, ...]:
        """Do as `resolve` does, for code without an event loop."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NameUnresolved(f"{host} cannot be resolved") from error
        return self._accept(host, port, [str(item[4][0]) for item in found])

    def _accept(self, host: str, port: int, found: list[str]) -> tuple[str, ...]:
        addresses = tuple(dict.fromkeys(found))
        # One bad address condemns the name: which one a client would take is not ours to guess.
        for address in addresses:
            self.check(address)
        if len(self._known) >= KEPT_NAMES:
            self._known.clear()
        self._known[host, port] = (time.monotonic() + KEEP_SECONDS, addresses)
        return addresses


def _innermost(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one carries inside, where it does: mapped, 6to4, NAT64."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
