"""Block `headers`: what is removed, set and added on the way up and on the way back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.policies.header_rules import PLACEHOLDER, WORDS
from gateway.dataplane.records import HeaderRulesRecord

DIRECTIONS = {"request": "request_headers", "response": "response_headers"}


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, DIRECTIONS)
    for direction in DIRECTIONS:
        rules, pointer = block.get(direction, {}), f"/{direction}"
        if not isinstance(rules, dict):
            yield from values.mapping(rules, pointer)
            continue
        yield from values.unknown_fields(rules, {"remove", "set", "add"}, pointer)
        removed = rules.get("remove", [])
        yield from values.text_list(removed, f"{pointer}/remove")
        for index, name in enumerate(removed if isinstance(removed, list) else ()):
            yield from values.header_name(name, f"{pointer}/remove/{index}")
        for kind in ("set", "add"):
            yield from _values(rules.get(kind, {}), f"{pointer}/{kind}")


def _values(rules: Any, pointer: str) -> Iterator[Problem]:
    if not isinstance(rules, dict):
        yield from values.mapping(rules, pointer)
        return
    for name, value in rules.items():
        yield from values.header(name, value, f"{pointer}/{name}")
        for word in PLACEHOLDER.findall(value) if isinstance(value, str) else ():
            if word not in WORDS:
                yield Problem(f"{pointer}/{name}", f"{{{word}}} is not one of {', '.join(sorted(WORDS))}.")


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    return {
        field: HeaderRulesRecord(
            tuple(block[direction].get("remove", ())),
            tuple(block[direction].get("set", {}).items()),
            tuple(block[direction].get("add", {}).items()),
        )
        for direction, field in DIRECTIONS.items()
        if block.get(direction)
    }
