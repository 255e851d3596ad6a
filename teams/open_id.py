"""OpenID Connect as a relying party: the code flow with PKCE, state and nonce; every call out passes the guard.

OpenID Connect Core 1.0 §3.1, RFC 7636 (PKCE), RFC 9207 (issuer in the answer). Nothing here knows people.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt

from common import outbound
from common.errors import DomainError, Unavailable
from common.outbound import check_url
from common.sealed import sealer
from teams.models import SignInProvider

# The algorithm comes from this list, never from the token alone; those with a shared secret are none of it.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60
MOST_BYTES = 256 * 1024
WELL_KNOWN = "/.well-known/openid-configuration"


class SignInFailed(DomainError):
    """The provider's answer is not good; signing in anew may help."""

    status = 400
    code = "sign-in-failed"
    title = "Signing in did not work"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    names_issuer: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in under way; lies in the session until the answer comes, and is good for one."""

    provider_id: str
    state: str
    nonce: str
    verifier: str


def discover(issuer: str) -> Metadata:
    """Read a provider's discovery document; raise Invalid or Unavailable with a sentence for its admin."""
    url = f"{issuer.rstrip('/')}{WELL_KNOWN}"
    found = _json(outbound.fetch(url, max_bytes=MOST_BYTES).content, url)
    if found.get("issuer") != issuer:
        raise Unavailable(f"{url} speaks for {found.get('issuer')!r}: set the issuer to that, not to {issuer!r}.")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if missing := [name for name in names if not isinstance(found.get(name), str)]:
        raise Unavailable(f"{url} names no {', '.join(missing)}.")
    check_url(found["authorization_endpoint"])
    return Metadata(
        issuer=issuer,
        authorization_endpoint=found["authorization_endpoint"],
        token_endpoint=found["token_endpoint"],
        jwks_uri=found["jwks_uri"],
        userinfo_endpoint=str(found.get("userinfo_endpoint") or ""),
        auth_methods=tuple(found.get("token_endpoint_auth_methods_supported") or ("client_secret_basic",)),
        names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def start(provider: SignInProvider, callback: str, *, again: bool = False) -> tuple[str, Pending]:
    """Return where to send the person, and what to keep until they are back; `again` has them prove themselves anew."""
    metadata = discover(provider.issuer)
    pending = Pending(provider.public_id, *(secrets.token_urlsafe(32) for _ in range(3)))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": callback, "scope": provider.scopes,
        "state": pending.state, "nonce": pending.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    if again:
        query |= {"prompt": "login", "max_age": "0"}
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}", pending


def finish(provider: SignInProvider, pending: Pending, callback: str, answer: dict[str, str]) -> dict[str, Any]:
    """Return the claims of who signed in; raise SignInFailed for an answer that is not good for this sign-in."""
    if error := answer.get("error"):
        said = answer.get("error_description") or error
        raise SignInFailed(f"{provider.name} refused: {said[:200]}")
    metadata = discover(provider.issuer)
    if answer.get("iss", "" if metadata.names_issuer else metadata.issuer) != metadata.issuer:
        raise SignInFailed(f"The answer does not come from {provider.name}.")
    if not (code := answer.get("code")):
        raise SignInFailed(f"{provider.name} sent no code.")
    tokens = _exchange(provider, metadata, {
        "grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": pending.verifier,
    })  # fmt: skip
    claims = _checked(provider, metadata, pending, tokens.get("id_token"))
    return _with_userinfo(provider, metadata, claims, tokens.get("access_token"))


def _exchange(provider: SignInProvider, metadata: Metadata, form: dict[str, str]) -> dict[str, Any]:
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    secret = secret_of(provider)
    if secret and "client_secret_basic" in metadata.auth_methods:
        # RFC 6749 §2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form = {**form, "client_id": provider.client_id} | ({"client_secret": secret} if secret else {})
    answer = outbound.request(
        "POST", metadata.token_endpoint, headers=headers, content=urlencode(form).encode(), max_bytes=MOST_BYTES
    )
    if answer.status >= 500:
        raise Unavailable(f"{provider.name} answers {answer.status}. Try again later.")
    if answer.status != 200:
        raise SignInFailed(f"{provider.name} did not take the code: it was used, is too old, or the client is unknown.")
    return _json(answer.content, metadata.token_endpoint)


def _checked(provider: SignInProvider, metadata: Metadata, pending: Pending, token: Any) -> dict[str, Any]:
    """Return the ID token's claims after the checks of OpenID Connect Core §3.1.3.7."""
    wrong = SignInFailed(f"The ID token of {provider.name} is not good for this sign-in.")
    if not isinstance(token, str):
        raise wrong
    try:
        claims: dict[str, Any] = jwt.decode(
            token, _key_for(metadata, jwt.get_unverified_header(token)), algorithms=[*ALGORITHMS],
            audience=provider.client_id, issuer=metadata.issuer, leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )  # fmt: skip
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise wrong from error
    nonce, party, audience = claims.get("nonce"), claims.get("azp"), claims["aud"]
    is_ours = party == provider.client_id if party is not None else isinstance(audience, str) or len(audience) == 1
    is_fresh = isinstance(nonce, str) and hmac.compare_digest(nonce.encode(), pending.nonce.encode())
    if not is_ours or not is_fresh or not claims["sub"]:
        raise wrong
    return claims


def _key_for(metadata: Metadata, header: dict[str, Any]) -> Any:
    found = _json(outbound.fetch(metadata.jwks_uri, max_bytes=MOST_BYTES).content, metadata.jwks_uri)
    entries = [entry for entry in found.get("keys") or () if isinstance(entry, dict)]
    usable = [entry for entry in entries if entry.get("use", "sig") == "sig" and entry.get("kty") != "oct"]
    named = [entry for entry in usable if entry.get("kid") == header.get("kid")]
    if not named:
        raise jwt.InvalidKeyError("no such key")
    return jwt.PyJWK(named[0]).key


def _with_userinfo(provider: SignInProvider, metadata: Metadata, claims: dict[str, Any], token: Any) -> dict[str, Any]:
    """Add what the provider tells only there; the ID token's own claims count first."""
    needed = {"email", "email_verified", "name", provider.groups_claim}
    if needed <= claims.keys() or not metadata.userinfo_endpoint or not isinstance(token, str):
        return claims
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    answer = outbound.request("GET", metadata.userinfo_endpoint, headers=headers, max_bytes=MOST_BYTES)
    if answer.status != 200:
        raise Unavailable(f"{provider.name} answers {answer.status} when asked who signed in.")
    told = _json(answer.content, metadata.userinfo_endpoint)
    # Core §5.3.2: an answer about somebody else must not be used.
    if told.get("sub") != claims["sub"]:
        raise SignInFailed(f"{provider.name} told of somebody else.")
    # An address and whether it is verified come from one place, never half from each.
    if "email" in claims:
        told.pop("email_verified", None)
    return {**told, **claims}


def secret_of(provider: SignInProvider) -> str:
    """Return the client secret, "" for a public client."""
    box = bytes(provider.secret)
    return sealer().open(box, context=f"sign_in:{provider.public_id}").decode() if box else ""


def _json(content: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise Unavailable(f"{url} answers no JSON.") from error
    if not isinstance(found, dict):
        raise Unavailable(f"{url} answers no JSON object.")
    return found
