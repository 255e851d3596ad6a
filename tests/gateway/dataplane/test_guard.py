"""The guard against calls to inner addresses."""

from __future__ import annotations

import asyncio

import pytest

from gateway.dataplane.settings import parse_networks
from gateway.dataplane.upstreams.guard import AddressForbidden, Guard, NameUnresolved, read_origin

OPEN = Guard(parse_networks("0.0.0.0/0 ::/0"))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "169.254.170.2",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_metadata_and_senseless_addresses_are_refused_even_when_every_network_is_allowed(address: str) -> None:
    with pytest.raises(AddressForbidden):
        OPEN.check(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "::1", "fc00::1", "fe80::1",
     "::ffff:127.0.0.1"],
)  # fmt: skip
def test_addresses_that_are_not_public_need_their_network_in_the_setting(address: str) -> None:
    with pytest.raises(AddressForbidden):
        Guard().check(address)
    Guard(parse_networks("127.0.0.0/8,10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 100.64.0.0/10 fc00::/7 "
                         "fe80::/10 ::1/128")).check(address)  # fmt: skip


def test_public_addresses_are_free() -> None:
    Guard().check("93.184.215.14")
    Guard().check("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


def test_a_name_is_resolved_checked_and_remembered_for_a_while() -> None:
    guard = Guard(parse_networks("127.0.0.0/8 ::1/128"))
    found = asyncio.run(guard.resolve("localhost", 80))
    assert "127.0.0.1" in found
    assert guard.known("localhost", 80) == found
    assert guard.resolve_now("localhost", 80) == found


def test_a_name_with_one_forbidden_address_is_refused_whole() -> None:
    with pytest.raises(AddressForbidden):
        asyncio.run(Guard().resolve("localhost", 80))
    with pytest.raises(NameUnresolved):
        Guard().resolve_now("no-such-host.invalid", 80)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.COM", ("http", "example.com", 80, "example.com")),
        ("https://example.com:8443/x", ("https", "example.com", 8443, "example.com:8443")),
        ("http://[::1]:8080", ("http", "::1", 8080, "[::1]:8080")),
        ("http://b\u00fccher.example", ("http", "xn--bcher-kva.example", 80, "xn--bcher-kva.example")),
    ],
)
def test_an_origin_is_read_in_one_way(url: str, expected: tuple) -> None:
    origin = read_origin(url)
    assert (origin.scheme, origin.host, origin.port, origin.authority) == expected


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "http://", "http://user@host", "http://2130706433", "http://0x7f.1", "http://127.1", "http://a b",
     "http://host\\@other", "http://[fe80::1%25eth0]", "http://host:99999"],
)  # fmt: skip
def test_a_url_that_readers_could_disagree_on_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        read_origin(url)
