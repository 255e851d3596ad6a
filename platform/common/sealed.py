"""Secrets at rest in the control plane: one sealer and one pepper, both from the master key."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from gateway.dataplane.keys import Sealer, derive_key, hash_key
from gateway.dataplane.policies.signatures import signing_secret


@lru_cache(maxsize=1)
def sealer() -> Sealer:
    """Return the installation's sealer."""
    return Sealer(settings.MASTER_KEY)


@lru_cache(maxsize=1)
def pepper() -> bytes:
    """Return the key under which credentials and tokens are hashed."""
    return derive_key(settings.MASTER_KEY, "pepper")


def signing_secret_of(credential_id: str) -> str:
    """Return the secret that requests are signed with in a key's name."""
    return signing_secret(derive_key(settings.MASTER_KEY, "signing"), credential_id)


def hash_secret(secret: str) -> str:
    """Return the keyed hash under which a key or token is stored."""
    return hash_key(secret, pepper())
