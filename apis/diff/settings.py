"""What the gateway asks of callers beside the document: keys, tokens, sizes, origins, the version's place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.diff.finding import Finding
from apis.diff.rules import RULES

KEY_PLACES = {"key_header": "the header {0}", "key_query": "the query parameter {0}", "basic": "HTTP Basic"}
Settings = dict[str, Any]


def compare_settings(old: Settings, new: Settings) -> list[Finding]:
    """Return what two sets of gateway settings mean for callers; what only the upstream notices is left out."""
    return [
        *_key_places(old.get("auth", {}), new.get("auth", {})),
        *_issuers(old.get("auth", {}), new.get("auth", {})),
        *_sizes(old.get("sizes", {}), new.get("sizes", {})),
        *_version_place(old.get("routing", {}), new.get("routing", {})),
        *_origins(old.get("cors", {}), new.get("cors", {})),
    ]


def compare_body_limit(old: int, new: int) -> list[Finding]:
    """Return what a change of the largest request body, in bytes, means for callers."""
    return [_finding("size-lowered", "/max_body_bytes", name="max_body_bytes", old=old, new=new)] if new < old else []


def _key_places(old: Settings, new: Settings) -> Iterator[Finding]:
    for field, words in KEY_PLACES.items():
        before = old.get(field)
        if before and new.get(field) != before:
            yield _finding("key-place-removed", f"/gateway/auth/{field}", place=words.format(before))


def _issuers(old: Settings, new: Settings) -> Iterator[Finding]:
    after = {issuer["issuer"]: issuer for issuer in new.get("jwt", [])}
    for index, before in enumerate(old.get("jwt", [])):
        place, now = f"/gateway/auth/jwt/{index}", after.get(before["issuer"])
        if now is None:
            yield _finding("issuer-removed", place, issuer=before["issuer"])
            continue
        fewer = set(before.get("algorithms", [])) - set(now.get("algorithms", []))
        is_narrower = bool(now.get("algorithms")) and (not before.get("algorithms") or bool(fewer))
        is_other = any(before.get(name) != now.get(name) for name in ("audience", "claim"))
        if is_narrower or is_other or before["applications"].items() - now["applications"].items():
            yield _finding("issuer-narrowed", place, issuer=before["issuer"])


def _sizes(old: Settings, new: Settings) -> Iterator[Finding]:
    for name, limit in new.items():
        before = old.get(name)
        if before is None:
            yield _finding("size-set", f"/gateway/sizes/{name}", name=name, new=limit)
        elif limit < before:
            yield _finding("size-lowered", f"/gateway/sizes/{name}", name=name, old=before, new=limit)


def _version_place(old: Settings, new: Settings) -> Iterator[Finding]:
    before, after = _place(old), _place(new)
    if before != after:
        yield _finding("version-place-changed", "/gateway/routing", old=before, new=after)
    elif old.get("default") and not new.get("default"):
        yield _finding("default-removed", "/gateway/routing/default")


def _place(routing: Settings) -> str:
    return f"{routing.get('version_in', 'path')} {routing.get('name', '')}".strip()


def _origins(old: Settings, new: Settings) -> Iterator[Finding]:
    after = new.get("origins", [])
    if "*" in after:
        return
    for origin in old.get("origins", []):
        if origin not in after:
            yield _finding("origin-removed", "/gateway/cors/origins", origin=origin)


def _finding(code: str, pointer: str, **words: object) -> Finding:
    level, text = RULES[code]
    return Finding(code, level, text.format(**words), pointer, pointer)
