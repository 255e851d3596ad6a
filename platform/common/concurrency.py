"""ETag and If-Match (RFC 9110 §13): every write names the version it saw."""

from __future__ import annotations

from typing import Protocol

from common.errors import ConditionMissing, Stale


class Versioned(Protocol):
    """A row with a counter that every write raises."""

    row_version: int


def etag_of(row: Versioned) -> str:
    """Return the strong entity tag of a row."""
    return f'"{row.row_version}"'


def require_match(row: Versioned, if_match: str | None) -> None:
    """Raise ConditionMissing (428) without If-Match and Stale (412) when it names another version."""
    if not if_match:
        raise ConditionMissing(f"Send If-Match with the ETag you read; it is now {etag_of(row)}.")
    tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    if "*" not in tags and etag_of(row) not in tags:
        raise Stale(f"You saw version {if_match}, it is now {etag_of(row)}. Read it again and repeat the change.")
