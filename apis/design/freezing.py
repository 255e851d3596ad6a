"""A document as bytes that depend on its content alone, and their hash."""

from __future__ import annotations

import hashlib
import json

from apis.design.json_types import JsonObject


def canonical_bytes(document: JsonObject) -> bytes:
    """Return UTF-8 JSON with sorted keys and no white space: equal documents give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def content_hash(document: JsonObject) -> str:
    """Return the SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()
