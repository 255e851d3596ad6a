"""Block `rewrite`: another path and query for the upstream than the caller's. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.records import RewriteRecord

FIELDS = {"strip_prefix", "prefix", "paths", "query"}
PATH_CHARACTERS = values.TOKEN | frozenset("/:@,;=()[]{}%")


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, FIELDS)
    for name in ("strip_prefix", "prefix"):
        yield from _path(block.get(name, "/x"), f"/{name}")
        if isinstance(block.get(name), str) and block[name].endswith("/"):
            yield Problem(
                f"/{name}", f"{values.show(block[name])} ends with a slash: the path that follows begins with one."
            )
    paths = block.get("paths", {})
    if not isinstance(paths, dict):
        yield from values.mapping(paths, "/paths")
        return
    for operation, template in paths.items():
        yield from _path(template, f"/paths/{operation}")
    query = block.get("query", {})
    if not isinstance(query, dict):
        yield from values.mapping(query, "/query")
        return
    yield from values.unknown_fields(query, {"set", "remove"}, "/query")
    yield from values.text_list(query.get("remove", []), "/query/remove")
    settings = query.get("set", {})
    if not isinstance(settings, dict) or not all(isinstance(value, str) for value in settings.values()):
        yield Problem("/query/set", f"{values.show(settings)} is not an object of texts.")


def _path(path: Any, pointer: str) -> Iterator[Problem]:
    is_path = isinstance(path, str) and path.startswith("/") and PATH_CHARACTERS.issuperset(path)
    if not is_path or "/../" in f"{path}/" or path.count("{") != path.count("}"):
        yield Problem(pointer, f"{values.show(path)} is no path such as /internal/{{id}}.")


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    query = block.get("query", {})
    record = RewriteRecord(
        strip_prefix=block.get("strip_prefix", ""),
        prefix=block.get("prefix", ""),
        paths=tuple(block.get("paths", {}).items()),
        query_set=tuple(query.get("set", {}).items()),
        query_remove=tuple(query.get("remove", ())),
    )
    return {"rewrite": record}
