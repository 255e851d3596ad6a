"""Block `sizes`: how large queries, headers and answers may be. Request bodies have a field of their own. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem

BOUNDS = {"max_query_bytes": 64 * 1024, "max_header_bytes": 64 * 1024, "max_response_bytes": 10 * 1024**3}


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, BOUNDS)
    for name, most in BOUNDS.items():
        if name in block:
            yield from values.number(block[name], f"/{name}", 1, most, is_whole=True)


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    return {name: block[name] for name in BOUNDS if name in block}
