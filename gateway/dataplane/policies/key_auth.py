"""Authenticates a call by its API key, an access token, a signature or its try-it token: now, and from memory.

Accepted: `Authorization: Bearer …`, `x-api-key`, `api-key`; OpenAI, Anthropic and Azure clients use one of them. Where
several stand, the one that looks like ours counts: an `Authorization` may be meant for the service behind.
"""

from __future__ import annotations

import math
from typing import Any

import jwt

from gateway.dataplane import alternates
from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header, KeyExpired, KeyInvalid, KeyRevoked, StateStale, Unauthenticated
from gateway.dataplane.keys import LIVE_PREFIX, TRY_IT_PREFIX, hash_key, is_well_formed
from gateway.dataplane.policies import signatures, token_auth
from gateway.dataplane.policies.key_places import OUR_PREFIX, key_in
from gateway.dataplane.records import CredentialRecord
from gateway.dataplane.runtime import Runtime

KEY_HEADERS = (b"authorization", b"x-api-key", b"api-key")
BEARER = frozenset({b"authorization"})
TRY_IT_SECONDS = 900
# RFC 9110 §11.6.1 asks for a challenge with every 401; RFC 6750 §3 names the error.
CHALLENGE: list[Header] = [(b"www-authenticate", b'Bearer realm="gatehouse"')]
CHALLENGE_INVALID: list[Header] = [(b"www-authenticate", b'Bearer realm="gatehouse", error="invalid_token"')]
TRY_IT_CLAIMS: Any = {
    "require": ["sub", "sid", "iat", "exp", "jti"],
    # The time is the call's own, see _check_times.
    "verify_exp": False,
    "verify_iat": False,
}


def authenticate(call: Call, runtime: Runtime) -> None:
    """Set who calls; raise an Unauthenticated (401), or StateStale when the state is too old to believe in keys."""
    if runtime.live.is_too_old:
        raise StateStale(
            "The gateway has not reached its database for too long to trust its list of keys. Try again in a minute.",
            headers=[(b"retry-after", b"60")],
        )
    token = presented_key(call.headers)
    places = call.route.key_places if call.route is not None else None
    if places is not None and (token is None or not token.startswith("gh_")):
        found = key_in(call.headers, call.query, places)
        token = found.decode("latin-1") if found else token
    if token is None and signatures.is_signed(call.headers):
        _by_signature(call, runtime)
        call.is_authenticated = True
        return
    if token is None:
        raise Unauthenticated(
            "This API needs a key. Send it as 'Authorization: Bearer gh_live_…' or in the header x-api-key.",
            headers=CHALLENGE,
        )
    if token.startswith(TRY_IT_PREFIX):
        _by_try_it(call, token, runtime)
    elif token_auth.looks_like_jwt(token):
        _by_token(call, token, runtime)
    else:
        _by_key(call, token, runtime)
    call.is_authenticated = True


def presented_key(headers: list[Header]) -> str | None:
    """Return the credential of a request, ours first; None when there is none."""
    first = None
    for name, value in headers:
        if name in KEY_HEADERS:
            token = _token(name, value)
            if token.startswith(OUR_PREFIX):
                return token.decode("latin-1")
            if token and first is None:
                first = token
    return None if first is None else first.decode("latin-1")


def is_presented(call: Call) -> bool:
    """Say whether a call shows anything that could tell who calls."""
    if presented_key(call.headers) is not None or signatures.is_signed(call.headers):
        return True
    places = call.route.key_places if call.route is not None else None
    return places is not None and bool(key_in(call.headers, call.query, places))


def carries_our_key(name: bytes, value: bytes) -> bool:
    """Say whether a header holds a credential of ours, well formed or not: it must never go upstream."""
    return name in KEY_HEADERS and _token(name, value).startswith(OUR_PREFIX)


def _token(name: bytes, value: bytes) -> bytes:
    if name != b"authorization":
        return value.strip()
    scheme, _, token = value.strip().partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _by_key(call: Call, token: str, runtime: Runtime) -> None:
    if not is_well_formed(token, LIVE_PREFIX):
        raise _invalid("The key is not one of ours: its form or its checksum is wrong. Copy it again, whole.")
    found = call.state.credential_by_hash(hash_key(token, runtime.keys.pepper))
    if found is None:
        raise _invalid("No such key. It may have been deleted; make a new one for the application.")
    key, record = found
    _check_key(call, record)
    call.credential_id, call.credential = key, record


def _check_key(call: Call, record: CredentialRecord) -> None:
    assert call.route is not None
    if record.environment != call.route.environment and not alternates.is_deployed(call, record.environment):
        raise _invalid(f"The key belongs to {record.environment}, this is {call.route.environment}.")
    if record.revoked_at is not None and record.revoked_at <= call.at:
        raise KeyRevoked("The key was revoked. Make a new one for the application.", headers=CHALLENGE_INVALID)
    if record.disabled_at is not None and record.disabled_at <= call.at:
        raise KeyRevoked("The key is disabled. Enable it or use another one.", headers=CHALLENGE_INVALID)
    if record.expires_at is not None and record.expires_at <= call.at:
        raise KeyExpired("The key has expired. Make a new one for the application.", headers=CHALLENGE_INVALID)


def _by_token(call: Call, token: str, runtime: Runtime) -> None:
    key, record = token_auth.authenticate(call, token, runtime)
    if record is None:
        record = call.state.credentials.get(key)
        if record is None:
            raise _invalid("The key that the access token was given for was deleted.")
        _check_key(call, record)
        call.spent_headers = BEARER
    call.credential_id, call.credential = key, record


def _by_signature(call: Call, runtime: Runtime) -> None:
    request = signatures.Request(call.method, call.raw_path, call.query.decode("latin-1"), call.headers)
    key = signatures.key_id_of(request, runtime.keys.signing, call.at)
    record = call.state.credentials.get(key)
    if record is None:
        raise _invalid("The key that signed the request was deleted.")
    _check_key(call, record)
    call.credential_id, call.credential = key, record
    call.spent_headers = signatures.SPENT
    call.has_signed_body = signatures.covers_body(call.headers)


def _by_try_it(call: Call, token: str, runtime: Runtime) -> None:
    try:
        claims = jwt.decode(
            token[len(TRY_IT_PREFIX) :], runtime.keys.try_it, algorithms=["HS256"], options=TRY_IT_CLAIMS
        )
    except jwt.InvalidTokenError as error:
        raise _invalid("The try-it token is not valid. Reload the page for a new one.") from error
    _check_times(claims, call.at)
    subscription_id, user_id = claims["sid"], claims["sub"]
    subscription = call.state.subscriptions.get(subscription_id) if isinstance(subscription_id, str) else None
    if subscription is None or not isinstance(user_id, str):
        raise _invalid("The try-it token names no subscription that this gateway knows. Reload the page.")
    call.subscription_id, call.subscription = subscription_id, subscription
    call.user_id, call.is_try_it = user_id, True


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if not _is_time(issued) or not _is_time(expires) or expires - issued > TRY_IT_SECONDS:
        raise _invalid("The try-it token is not valid: it may live 15 minutes at most.")
    if expires <= now:
        raise KeyExpired("The try-it token has expired. Reload the page for a new one.", headers=CHALLENGE_INVALID)


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _invalid(detail: str) -> KeyInvalid:
    return KeyInvalid(detail, headers=CHALLENGE_INVALID)
