"""ETag and If-Match (RFC 9110 §13): every write names the version it saw."""

from __future__ import annotations

import hashlib

from django.db.models import BinaryField, Model

from common.errors import ConditionMissing, Stale

# What changes without a write of anybody, or must not be told from outside, not even by a digest.
UNTAGGED = frozenset({"last_used_at", "last_login", "password"})


def etag_of(row: Model) -> str:
    """Return the strong entity tag of a row: its counter that every write raises, else a digest of its values."""
    counter = getattr(row, "row_version", None)
    return f'"{counter}"' if counter is not None else f'"{_digest(row)}"'


def _digest(row: Model) -> str:
    fields = [
        field
        for field in row._meta.concrete_fields
        if field.name not in UNTAGGED and not isinstance(field, BinaryField)
    ]
    values = "\0".join(f"{field.attname}={field.value_to_string(row)}" for field in fields)
    return hashlib.sha256(values.encode()).hexdigest()[:16]


def require_match(row: Model, if_match: str | None) -> None:
    """Raise ConditionMissing (428) without If-Match and Stale (412) when it names another version."""
    if not if_match:
        raise ConditionMissing(f"Send If-Match with the ETag you read; it is now {etag_of(row)}.")
    tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    if "*" not in tags and etag_of(row) not in tags:
        raise stale(row, if_match)


def stale(row: Model, if_match: str) -> Stale:
    """Return the refusal of a write that saw another version than what the row is now."""
    current = etag_of(row)
    return Stale(
        f"You saw version {if_match}, it is now {current}. Read it again (GET the same address) and repeat the change.",
        etag=current,
    )
