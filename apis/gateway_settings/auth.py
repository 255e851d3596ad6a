"""Block `auth`: where callers may put their key beside the usual headers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.records import KeyPlacesRecord


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, {"key_header", "key_query", "basic"})
    if "key_header" in block:
        yield from values.header_name(block["key_header"], "/key_header")
    name = block.get("key_query", "key")
    if not isinstance(name, str) or not name or not values.TOKEN.issuperset(name):
        yield Problem("/key_query", f"{values.show(name)} is not the name of a query parameter.")
    yield from values.truth(block.get("basic", False), "/basic")


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    names = {"header": block.get("key_header", ""), "query": block.get("key_query", "")}
    return {"key_places": KeyPlacesRecord(**names, is_basic=block.get("basic", False))}
