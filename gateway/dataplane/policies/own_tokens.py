"""Access tokens of our own: OAuth 2 client credentials (RFC 6749 §4.4) as JWTs (RFC 9068), by a key all workers derive.

The client is the application and its secret is one of its API keys. A token names that key, so whatever becomes of the
key or the subscription counts on each call; it saves a caller from sending the key itself with every one.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.dataplane.keys import derive_key

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
LIFE_SECONDS = 900
REQUIRED = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti", "key")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and reads the tokens of one installation; `issuer` is the gateway's own address."""

    issuer: str
    key_id: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey

    @classmethod
    def derive(cls, master: bytes, issuer: str) -> Signer:
        """Return the signer of this master key."""
        private = Ed25519PrivateKey.from_private_bytes(derive_key(master, "access-token"))
        public = private.public_key()
        return cls(issuer, sha256(_raw(public)).hexdigest()[:16], private, public)

    def issue(self, *, application_id: str, credential_id: str, now: float) -> str:
        """Return a token for an application that showed this key."""
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": application_id,
            "client_id": application_id,
            "iat": int(now),
            "exp": int(now) + LIFE_SECONDS,
            "jti": str(uuid4()),
            "key": credential_id,
        }
        return jwt.encode(claims, self.private, algorithm=ALGORITHM, headers={"kid": self.key_id, "typ": TYPE})

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims; raise jwt.InvalidTokenError. The times are for the caller to judge."""
        if jwt.get_unverified_header(token).get("typ", "").lower() not in (TYPE, f"application/{TYPE}"):
            raise jwt.InvalidTokenError("typ")
        options: Any = {"require": [*REQUIRED], "verify_exp": False, "verify_iat": False}
        return jwt.decode(
            token, self.public, algorithms=[ALGORITHM], audience=self.issuer, issuer=self.issuer, options=options
        )

    def key_set(self) -> dict[str, Any]:
        """Return the public key as a JWK Set (RFC 7517, RFC 8037)."""
        x = base64.urlsafe_b64encode(_raw(self.public)).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": self.key_id, "x": x}]}

    def metadata(self) -> dict[str, Any]:
        """Return the server's metadata (RFC 8414)."""
        return {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/oauth/token",
            "jwks_uri": f"{self.issuer}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": [],
        }


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
