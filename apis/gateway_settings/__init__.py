"""How the gateway serves a revision beyond its document: named blocks of settings, each checked by a pure module.

A revision keeps them as JSON, `{"upstream": {...}, "cors": {...}}`. A block's module has `find_problems(value)`, which
the service calls before it saves, and a function that gives the compiler the block as a record's fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from apis.gateway_settings import upstream
from apis.gateway_settings.problem import Problem

__all__ = ["BLOCKS", "Problem", "find_problems"]

BLOCKS: dict[str, Callable[[Any], Iterator[Problem]]] = {"upstream": upstream.find_problems}


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
