"""Authenticates a call by an HTTP message signature (RFC 9421) with `hmac-sha256`: the secret is never sent.

The secret of a key is derived from the master key and the key's public id, which is the signature's `keyid`: nothing
more is stored, and whatever becomes of the key counts on each call. What a signature must cover is what decides the
call: method, path, query, and the body by its Content-Digest (RFC 9530). It is good for five minutes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from gateway.dataplane.errors import BadRequest, Header, KeyInvalid

SECRET_PREFIX = "gh_sig_"  # noqa: S105  the prefix is public
ALGORITHM = "hmac-sha256"
LIFE_SECONDS = 300
INPUT = b"signature-input"
SIGNATURE = b"signature"
SPENT = frozenset({INPUT, SIGNATURE})
CHALLENGE: list[Header] = [(b"www-authenticate", b'Bearer realm="gatehouse", error="invalid_token"')]
# One signature, its components without parameters: a strict part of Structured Fields that leaves no two readings.
MEMBER = re.compile(r'([a-z][a-z0-9_.*-]{0,63})=(\(((?:"[a-z@][a-z0-9-]*"(?: "[a-z@][a-z0-9-]*")*)?)\)((?:;[^,]*)?))')
PARAMETER = re.compile(r';([a-z]+)=(?:"([ !#-\[\]-~]*)"|([0-9]{1,15}))')
VALUE = re.compile(r"([a-z][a-z0-9_.*-]{0,63})=:([A-Za-z0-9+/]+={0,2}):")
DIGEST = re.compile(r"(sha-256|sha-512)=:([A-Za-z0-9+/]+={0,2}):")
HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Request:
    """What may be signed of a request; `query` without its question mark."""

    method: str
    path: str
    query: str
    headers: list[Header]


def signing_secret(key: bytes, credential_id: str) -> str:
    """Return the secret of a key; `key` is `derive_key(master, "signing")`."""
    digest = hmac.digest(key, credential_id.encode(), "sha256")
    return SECRET_PREFIX + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_signed(headers: list[Header]) -> bool:
    """Say whether a request carries a signature."""
    return any(name == INPUT for name, _ in headers)


def key_id_of(request: Request, key: bytes, now: float) -> str:
    """Return the public id of the key that signed a request; raise KeyInvalid with the reason."""
    match = MEMBER.fullmatch(_field(request.headers, INPUT))
    value = VALUE.fullmatch(_field(request.headers, SIGNATURE))
    if match is None or value is None or match[1] != value[1]:
        raise _invalid("Signature-Input and Signature must hold one signature of the same name each (RFC 9421).")
    components = re.findall(r'"([^"]*)"', match[3])
    parameters = _parameters(match[4])
    _check_parameters(parameters, now)
    _check_components(components, request)
    base = "".join(f'"{name}": {_component(name, request)}\n' for name in components)
    base += f'"@signature-params": {match[2]}'
    secret = signing_secret(key, parameters["keyid"])
    expected = hmac.digest(secret.encode(), base.encode("latin-1"), "sha256")
    if not hmac.compare_digest(expected, _decoded(value[2])):
        raise _invalid("The signature does not fit the request.")
    return parameters["keyid"]


def check_body(headers: list[Header], body: bytes) -> None:
    """Compare the body with the Content-Digest that was signed; raise BadRequest."""
    found = DIGEST.findall(_field(headers, b"content-digest"))
    if not found:
        raise BadRequest("Content-Digest holds no sha-256 or sha-512 (RFC 9530).")
    for name, value in found:
        if not hmac.compare_digest(HASHES[name](body).digest(), _decoded(value)):
            raise BadRequest("The body is not the one that Content-Digest was made of.")


def covers_body(headers: list[Header]) -> bool:
    """Say whether a request has a body, which must be compared."""
    return any(
        (name == b"content-length" and value.strip() != b"0") or name == b"transfer-encoding" for name, value in headers
    )


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = PARAMETER.match(text, at)
        if match is None or match[1] in found:
            raise _invalid("The parameters of Signature-Input cannot be read.")
        found[match[1]] = match[2] if match[2] is not None else match[3]
        at = match.end()
    return found


def _check_parameters(parameters: dict[str, str], now: float) -> None:
    if parameters.get("alg", ALGORITHM) != ALGORITHM:
        raise _invalid(f"The only signature algorithm here is {ALGORITHM}.")
    if not parameters.get("keyid"):
        raise _invalid("Signature-Input needs keyid: the key's id, key_….")
    created, expires = parameters.get("created", ""), parameters.get("expires", "")
    if not created.isdecimal() or abs(now - int(created)) > LIFE_SECONDS:
        raise _invalid(f"Signature-Input needs created, in seconds, no further than {LIFE_SECONDS} s from now.")
    if expires and (not expires.isdecimal() or int(expires) <= now):
        raise _invalid("The signature has expired.")


def _check_components(components: list[str], request: Request) -> None:
    wanted = ["@method", "@path"]
    if request.query:
        wanted.append("@query")
    if covers_body(request.headers):
        wanted.append("content-digest")
    missing = [name for name in wanted if name not in components]
    if missing:
        raise _invalid(f"The signature must cover {', '.join(missing)}.")
    if len(set(components)) != len(components):
        raise _invalid("The signature names a component twice.")


def _component(name: str, request: Request) -> str:
    if name == "@method":
        return request.method
    if name == "@path":
        return request.path
    if name == "@query":
        return f"?{request.query}"
    if name == "@authority":
        return _field(request.headers, b"host").lower()
    value = None if name.startswith("@") else _field(request.headers, name.encode())
    if not value:
        raise _invalid(f"The signature covers {name}, which this request does not have or this gateway does not know.")
    return value


def _field(headers: list[Header], wanted: bytes) -> str:
    return ", ".join(value.decode("latin-1").strip() for name, value in headers if name == wanted)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _invalid(detail: str) -> KeyInvalid:
    return KeyInvalid(detail, headers=CHALLENGE)
