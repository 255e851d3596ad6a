"""TLS towards an upstream, with both clients: who is trusted, who is not, and our own certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.dataplane.errors import UpstreamUnreachable
from gateway.dataplane.records import TlsRecord
from gateway.dataplane.upstreams import UpstreamRequest
from gateway.dataplane.upstreams.asyncio_client import AsyncioUpstream
from gateway.dataplane.upstreams.guard import Guard
from gateway.dataplane.upstreams.httpx_client import HttpxUpstream
from tests.gateway.upstream import Upstream

NOW = datetime.now(UTC)


class Authority:
    """A certificate authority of this test."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        self.certificate = self._sign(self.name, self.key, NOW + timedelta(days=1), is_authority=True)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name: str, *, until: datetime = NOW + timedelta(days=1)) -> tuple[str, str]:
        """Return a certificate for a name and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, until, name=name)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()

    def _sign(self, subject, key, until, *, name: str = "", is_authority: bool = False) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=2)).not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )  # fmt: skip
        if name:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Upstream]]:
    started: list[Upstream] = []

    def start(certificate: str, key: str, *, asks_for: str = "") -> Upstream:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (tmp_path / "both.pem").write_text(certificate + key)
        context.load_cert_chain(tmp_path / "both.pem")
        if asks_for:
            context.load_verify_locations(cadata=asks_for)
            context.verify_mode = ssl.CERT_REQUIRED
        started.append(Upstream(tls=context))
        started[-1].start()
        return started[-1]

    yield start
    for service in started:
        service.stop()


@pytest.fixture(params=[AsyncioUpstream, HttpxUpstream])
def ask(request) -> Callable[..., int]:
    def call(service: Upstream, tls: TlsRecord | None) -> int:
        async def main() -> int:
            client = request.param(Guard((ip_network("127.0.0.0/8"),)))
            try:
                response = await client.send(UpstreamRequest("GET", f"{service.url}/echo", [], tls=tls))
                while await response.read():
                    pass
                await response.aclose()
                return response.status
            finally:
                await client.aclose()

        return asyncio.run(main())

    return call


def test_an_upstream_of_a_known_authority_is_called(authority, serve, ask):
    service = serve(*authority.issue("orders.internal"))
    assert ask(service, TlsRecord(ca=authority.pem, server_name="orders.internal")) == 200


@pytest.mark.parametrize(
    "fault", ["unknown authority", "the system's authorities", "another name", "an expired certificate"]
)
def test_an_upstream_that_cannot_be_trusted_is_not_called(fault, authority, serve, ask):
    until = NOW - timedelta(days=1) if fault == "an expired certificate" else NOW + timedelta(days=1)
    service = serve(*authority.issue("orders.internal", until=until))
    ca = Authority().pem if fault == "unknown authority" else authority.pem
    name = "other.internal" if fault == "another name" else "orders.internal"
    tls = None if fault == "the system's authorities" else TlsRecord(ca=ca, server_name=name)
    with pytest.raises(UpstreamUnreachable):
        ask(service, tls)
    assert service.seen == []


def test_verification_can_be_switched_off_by_the_owner(authority, serve, ask):
    service = serve(*authority.issue("orders.internal"))
    assert ask(service, TlsRecord(is_verified=False)) == 200


def test_our_own_certificate_is_shown_where_the_upstream_asks_for_it(authority, serve, ask):
    service = serve(*authority.issue("orders.internal"), asks_for=authority.pem)
    known = {"ca": authority.pem, "server_name": "orders.internal"}
    certificate, key = authority.issue("gateway")
    assert ask(service, TlsRecord(**known, certificate=certificate, key=key)) == 200
    with pytest.raises(UpstreamUnreachable):
        ask(service, TlsRecord(**known))
    assert len(service.seen) == 1
