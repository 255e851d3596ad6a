"""Public identifiers: prefixed and random (`api_…`), request ids (uuid7), slugs."""

from __future__ import annotations

import re
import secrets

from django.core.validators import RegexValidator
from django.utils.text import slugify

from gateway.dataplane.calls import new_call_id

ALPHABET = "0123456789abcdefghijkmnpqrstvwxyz"
LENGTH = 20
SLUG_PATTERN = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$")
validate_slug = RegexValidator(
    SLUG_PATTERN, "Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu."
)


def new_public_id(prefix: str) -> str:
    """Return `{prefix}_` and 20 random characters (100 bits)."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def new_request_id() -> str:
    """Return the id of one console request: a uuid7, as the gateway's are."""
    return str(new_call_id())


def propose_slug(name: str, *, fallback: str) -> str:
    """Return a slug for a name; names without Latin letters get the fallback and four random characters."""
    slug = slugify(name.replace("_", "-"))[:60].strip("-")
    return slug or f"{fallback}-{secrets.token_hex(2)}"
