"""Further places where an API lets its callers put their key, and how what stood there is kept from the upstream."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from gateway.dataplane.errors import Header
from gateway.dataplane.records import KeyPlacesRecord

OUR_PREFIX = b"gh_"


def key_in(headers: list[Header], query: bytes, places: KeyPlacesRecord) -> bytes | None:
    """Return the key that stands in one of the places; None when there is none."""
    name = places.header.lower().encode()
    for key, value in headers:
        if name and key == name:
            return value.strip()
        if places.is_basic and key == b"authorization" and (token := basic_key(value)) is not None:
            return token
    if places.query:
        for part in query.split(b"&"):
            key, _, value = part.partition(b"=")
            if key.decode("latin-1") == places.query:
                return unquote_to_bytes(value)
    return None


def basic_key(value: bytes) -> bytes | None:
    """Return the key that HTTP Basic carries (RFC 7617), as name or password; None when neither is one of ours."""
    scheme, _, text = value.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        pair = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        return None
    name, _, password = pair.partition(b":")
    return next((part for part in (password, name) if part.startswith(OUR_PREFIX)), None)


def without_key(headers: list[Header], places: KeyPlacesRecord) -> list[Header]:
    """Return the headers without those that held a key: it never goes upstream."""
    name = places.header.lower().encode()
    return [
        (key, value)
        for key, value in headers
        if key != name and not (key == b"authorization" and places.is_basic and basic_key(value) is not None)
    ]


def query_without_key(query: str, places: KeyPlacesRecord) -> str:
    """Return the query without the parameter that holds the key."""
    if not places.query:
        return query
    return "&".join(part for part in query.split("&") if part.partition("=")[0] != places.query)
