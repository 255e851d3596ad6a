"""The worker's own OAuth pages: `/oauth/token` (RFC 6749 §4.4), the key set and the metadata (RFC 8414)."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from gateway.dataplane.errors import Header
from gateway.dataplane.keys import LIVE_PREFIX, hash_key, is_well_formed
from gateway.dataplane.listener.exchange import Exchange
from gateway.dataplane.policies.own_tokens import LIFE_SECONDS
from gateway.dataplane.runtime import Runtime

TOKEN = b"/oauth/token"
KEY_SET = b"/.well-known/jwks.json"
METADATA = b"/.well-known/oauth-authorization-server"
PATHS = frozenset({TOKEN, KEY_SET, METADATA})
BODY_BYTES = 16 * 1024
JSON: Header = (b"content-type", b"application/json")
NO_STORE: list[Header] = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]
KEPT: list[Header] = [(b"cache-control", b"public, max-age=300")]


async def serve(exchange: Exchange, runtime: Runtime) -> None:
    """Answer one of PATHS."""
    if exchange.raw_path == TOKEN:
        await _token(exchange, runtime)
    elif exchange.method not in ("GET", "HEAD"):
        _answer(exchange, 405, {"error": "invalid_request"}, [(b"allow", b"GET, HEAD")])
    elif exchange.raw_path == KEY_SET:
        _answer(exchange, 200, runtime.signer.key_set(), KEPT)
    else:
        _answer(exchange, 200, runtime.signer.metadata(), KEPT)


async def _token(exchange: Exchange, runtime: Runtime) -> None:
    if exchange.method != "POST":
        _answer(exchange, 405, {"error": "invalid_request"}, [(b"allow", b"POST"), *NO_STORE])
        return
    form = await _form(exchange)
    if exchange.disconnected:
        return
    if form is None:
        _refuse(exchange, 400, "invalid_request", "Send a form: grant_type=client_credentials, once per parameter.")
    elif form.get("grant_type") != "client_credentials":
        _refuse(exchange, 400, "unsupported_grant_type", "The only grant_type here is client_credentials.")
    else:
        _grant(exchange, runtime, form)


def _grant(exchange: Exchange, runtime: Runtime, form: dict[str, str]) -> None:
    client, secret = _basic(exchange) or (form.get("client_id", ""), form.get("client_secret", ""))
    now, state = runtime.now(), runtime.live.current()
    found = None
    if is_well_formed(secret, LIVE_PREFIX) and not runtime.live.is_too_old:
        found = state.credential_by_hash(hash_key(secret, runtime.keys.pepper))
    if found is None or (client and client != found[1].application_id) or not found[1].is_usable(now):
        runtime.spool.count_refusal(code="key-invalid", version_id="", at=now)
        _refuse(
            exchange, 401, "invalid_client",
            "client_id is the application's id, client_secret one of its API keys that is neither expired nor revoked.",
        )  # fmt: skip
        return
    key, record = found
    token = runtime.signer.issue(application_id=record.application_id, credential_id=key, now=now)
    body = {"access_token": token, "token_type": "Bearer", "expires_in": LIFE_SECONDS}
    _answer(exchange, 200, body, NO_STORE)


async def _form(exchange: Exchange) -> dict[str, str] | None:
    """Return the form's fields; None when it is none, too large, or names one twice (RFC 6749 §3.2)."""
    kind = next((value for name, value in exchange.headers if name == b"content-type"), b"")
    body = b""
    while piece := await exchange.read():
        body += piece
        if len(body) > BODY_BYTES:
            return None
    if kind.split(b";")[0].strip().lower() != b"application/x-www-form-urlencoded":
        return None
    try:
        fields = parse_qs(body.decode(), max_num_fields=20)
    except ValueError:
        return None
    if any(len(values) > 1 for values in fields.values()):
        return None
    return {name: values[0] for name, values in fields.items()}


def _basic(exchange: Exchange) -> tuple[str, str] | None:
    """Return the client's id and secret from HTTP Basic; both are form-encoded in it (RFC 6749 §2.3.1)."""
    value = next((value for name, value in exchange.headers if name == b"authorization"), b"")
    scheme, _, text = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, _, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)


def _refuse(exchange: Exchange, status: int, error: str, description: str) -> None:
    challenge: list[Header] = [(b"www-authenticate", b'Basic realm="gatehouse"')] if status == 401 else []
    _answer(exchange, status, {"error": error, "error_description": description}, [*NO_STORE, *challenge])


def _answer(exchange: Exchange, status: int, content: dict[str, Any], headers: list[Header]) -> None:
    body = orjson.dumps(content)
    exchange.start(status, [JSON, *headers, (b"content-length", b"%d" % len(body))])
    exchange.end(b"" if exchange.method == "HEAD" else body)
