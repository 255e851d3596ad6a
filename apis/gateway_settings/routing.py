"""Block `routing`: where a call names the version it means. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem

PLACES = ("path", "header", "query")


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, {"version_in", "name", "default"})
    place = block.get("version_in", "path")
    yield from values.one_of(place, "/version_in", PLACES)
    yield from values.truth(block.get("default", False), "/default")
    name = block.get("name")
    if place == "path" and name is not None:
        yield Problem("/name", "A version in the path has no name of a header or parameter.")
    elif place == "header":
        yield from values.header_name(name, "/name")
    elif place == "query" and (not isinstance(name, str) or not values.TOKEN.issuperset(name) or not name):
        yield Problem("/name", f"{values.show(name)} is not the name of a query parameter.")


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    place = block.get("version_in", "path")
    return {"version_in": place, "version_name": block.get("name", ""), "is_default": block.get("default", False)}
