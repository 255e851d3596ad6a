"""JSON pointers (RFC 6901) and the local references that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from apis.design.json_types import Json

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class UnresolvedPointer(LookupError):
    """The pointer names nothing in the document."""


def join_pointer(parts: Iterable[str | int]) -> str:
    """Write path parts as a JSON pointer; no parts give the empty pointer, the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def split_pointer(pointer: str) -> list[str]:
    """Read a JSON pointer into its parts."""
    if not pointer:
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.lstrip("#").split("/")[1:]]


def split_reference(reference: str) -> list[str]:
    """Read a local reference (#/...) into its parts; it is a percent-encoded URI fragment (RFC 6901 §6)."""
    # Most references hold no escape: unquote alone costs more than the rest of the walk.
    return split_pointer(unquote(reference) if "%" in reference else reference)


def is_local(reference: str) -> bool:
    """Say whether a reference points into its own document by a JSON pointer."""
    return reference.startswith("#/")


def is_relative(reference: str) -> bool:
    """Say whether a reference names a file beside its own document."""
    path = reference.partition("#")[0]
    return bool(path) and not path.startswith("//") and not _SCHEME.match(path)


def resolve_parts(document: Json, parts: Iterable[str]) -> Json:
    """Return the value at the parts; raises UnresolvedPointer."""
    value = document
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and part.isascii() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise UnresolvedPointer(part)
    return value


def resolve_reference(document: Json, reference: str) -> Json:
    """Return what a local reference names; raises UnresolvedPointer."""
    if not is_local(reference):
        raise UnresolvedPointer(reference)
    return resolve_parts(document, split_reference(reference))


def follow_references(document: Json, value: Json) -> Json:
    """Follow $ref until something else stands there; a broken or circular chain gives None."""
    seen: set[str] = set()
    while isinstance(value, dict) and isinstance(value.get("$ref"), str):
        reference = str(value["$ref"])
        if reference in seen:
            return None
        seen.add(reference)
        try:
            value = resolve_reference(document, reference)
        except UnresolvedPointer:
            return None
    return value
