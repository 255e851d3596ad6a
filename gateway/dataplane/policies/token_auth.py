"""Authenticates a call by a JWT: our own access token, or one of an issuer that the version trusts.

The signature's algorithm comes from our list, never from the token alone; issuer and audience must be those expected.
Times are judged at the call's own moment.
"""

from __future__ import annotations

from typing import Any

import jwt

from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header, IssuerUnavailable, KeyExpired, KeyInvalid
from gateway.dataplane.records import JWT_ALGORITHMS, CredentialRecord, IssuerRecord
from gateway.dataplane.runtime import Runtime

LEEWAY_SECONDS = 30
CHALLENGE_INVALID: list[Header] = [(b"www-authenticate", b'Bearer realm="gatehouse", error="invalid_token"')]


def looks_like_jwt(token: str) -> bool:
    """Say whether a bearer token has the form of a JWT."""
    return token.startswith("ey") and token.count(".") == 2


async def prepare(call: Call, runtime: Runtime) -> bool:
    """Fetch the keys that the call's token needs; say whether that took a wait, in which the state may have changed."""
    found = _issuer_of(call)
    if found is None:
        return False
    record, key_id = found
    if runtime.key_sets.find(record.jwks_url, key_id) is not None:
        return False
    await runtime.key_sets.load(record.jwks_url, key_id)
    return True


def bearer_of(call: Call) -> str:
    """Return the bearer token where it looks like a JWT, else ""."""
    for name, value in call.headers:
        if name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            text = token.strip().decode("latin-1")
            if scheme.lower() == b"bearer" and looks_like_jwt(text):
                return text
    return ""


def _issuer_of(call: Call) -> tuple[IssuerRecord, str] | None:
    route, token = call.route, bearer_of(call)
    if route is None or not token:
        return None
    try:
        issuer, key_id = _peek(token)
    except jwt.InvalidTokenError:
        return None
    return next(((record, key_id) for record in route.issuers if record.issuer == issuer), None)


def _peek(token: str) -> tuple[str, str]:
    """Return the issuer and the key id that an unverified token names."""
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    return str(claims.get("iss", "")), str(header.get("kid", ""))


def authenticate(call: Call, token: str, runtime: Runtime) -> tuple[str, CredentialRecord | None]:
    """Return the credential that a token stands for; raise KeyInvalid or KeyExpired.

    One of our own gives the key's id, and None for its record: the key itself is then judged like any other. A foreign
    one gives no id and a record that names its application.
    """
    try:
        issuer, key_id = _peek(token)
    except jwt.InvalidTokenError as error:
        raise _invalid("The access token cannot be read.") from error
    if issuer == runtime.signer.issuer:
        return _by_own(call, token, runtime), None
    record = next((item for item in call.route.issuers if item.issuer == issuer), None) if call.route else None
    if record is None:
        raise _invalid("The access token's issuer is not one that this API trusts.")
    return "", _by_foreign(call, token, record, key_id, runtime)


def _by_own(call: Call, token: str, runtime: Runtime) -> str:
    try:
        claims = runtime.signer.read(token)
    except jwt.InvalidTokenError as error:
        raise _invalid("The access token is not valid. Ask for a new one at /oauth/token.") from error
    _check_times(claims, call.at)
    return str(claims["key"])


def _by_foreign(call: Call, token: str, record: IssuerRecord, key_id: str, runtime: Runtime) -> CredentialRecord:
    key = runtime.key_sets.find(record.jwks_url, key_id)
    if key is None:
        if not runtime.key_sets.is_known(record.jwks_url):
            raise IssuerUnavailable(
                "The keys of the token's issuer cannot be fetched now. Try again in 10 s.",
                headers=[(b"retry-after", b"10")],
            )
        raise _invalid("The access token is signed by a key that its issuer does not publish.")
    options: Any = {"require": ["exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[*(record.algorithms or JWT_ALGORITHMS)],
            audience=record.audience,
            issuer=record.issuer,
            options=options,
        )
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        raise _invalid(f"The access token is not valid here: {type(error).__name__}.") from error
    _check_times(claims, call.at)
    client = claims.get(record.claim)
    application_id = dict(record.applications).get(str(client)) if client is not None else None
    if application_id is None:
        raise _invalid(f"The access token's {record.claim} is not one of an application that this API knows.")
    assert call.route is not None
    subscription = call.state.subscription_for(application_id, call.route.version_id)
    team_id = subscription[1].team_id if subscription else ""
    return CredentialRecord("", application_id, team_id, environment=call.route.environment)


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires, begins = claims["exp"], claims.get("nbf", 0)
    if not _is_number(expires) or not _is_number(begins) or begins > now + LEEWAY_SECONDS:
        raise _invalid("The access token's times are not valid now.")
    if expires + LEEWAY_SECONDS <= now:
        raise KeyExpired("The access token has expired. Ask for a new one.", headers=CHALLENGE_INVALID)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _invalid(detail: str) -> KeyInvalid:
    return KeyInvalid(detail, headers=CHALLENGE_INVALID)
