"""How the gateway serves a revision beyond its document: named blocks of settings, each checked by a pure module.

A revision keeps them as JSON, `{"upstream": {...}, "cors": {...}}`. A block's module has `find_problems(value)`, which
the service calls before it saves, and a function that gives the compiler the block as a record's fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from apis.gateway_settings import auth, cors, headers, idempotency, rewrite, routing, sizes, upstream
from apis.gateway_settings.problem import Problem

__all__ = ["BLOCKS", "Problem", "find_problems", "route_fields"]

BLOCKS: dict[str, Callable[[Any], Iterator[Problem]]] = {
    "upstream": upstream.find_problems,
    "routing": routing.find_problems,
    "rewrite": rewrite.find_problems,
    "headers": headers.find_problems,
    "cors": cors.find_problems,
    "auth": auth.find_problems,
    "idempotency": idempotency.find_problems,
    "sizes": sizes.find_problems,
}
# The blocks that give fields to a route; an upstream's fields go into its own sealed record.
ROUTE_BLOCKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "routing": routing.route_fields,
    "rewrite": rewrite.route_fields,
    "headers": headers.route_fields,
    "cors": cors.route_fields,
    "auth": auth.route_fields,
    "idempotency": idempotency.route_fields,
    "sizes": sizes.route_fields,
}


def route_fields(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that valid settings give."""
    fields: dict[str, Any] = {}
    for name, read in ROUTE_BLOCKS.items():
        if name in settings:
            fields |= read(settings[name])
    return fields


def find_problems(settings: Any) -> list[Problem]:
    """Return what is wrong with all blocks; pointers start at the settings."""
    if not isinstance(settings, dict):
        return [Problem("", "Gateway settings are an object of blocks.")]
    found = []
    for name, value in settings.items():
        check = BLOCKS.get(name)
        if check is None:
            known = ", ".join(BLOCKS)
            found.append(
                Problem(f"/{name}", f"There is no block of gateway settings called {str(name)[:60]!r}: {known}.")
            )
            continue
        found += [Problem(f"/{name}{item.pointer}", item.detail) for item in check(value)]
    return found
