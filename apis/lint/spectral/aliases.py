"""Aliases: names for paths, `#Name` at the beginning of a path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

ALIAS = re.compile(r"#([A-Za-z0-9_-]+)")
DEEPEST = 10
MOST = 200
RUNS = {"oas3", "oas3.1", "oas3_1"}


class BadAlias(ValueError):
    """An alias that is not there, or leads back to itself."""


def put_in(aliases: Mapping[str, Any], path: str) -> list[str]:
    """Return the paths that a path with aliases stands for; raise BadAlias."""
    found: list[str] = []
    for one in _put_in(aliases, path, ()):
        found.append(one)
        if len(found) > MOST:
            raise BadAlias(f"{path[:80]!r} stands for more than {MOST} paths")
    return found


def _put_in(aliases: Mapping[str, Any], path: str, above: tuple[str, ...]) -> Iterator[str]:
    if not path.startswith("#"):
        yield path
        return
    match = ALIAS.match(path)
    name = match.group(1) if match else ""
    if name not in aliases:
        raise BadAlias(f"{path[:80]!r} begins with an alias that is not defined under 'aliases'")
    if name in above or len(above) >= DEEPEST:
        raise BadAlias(f"{path[:80]!r} goes in circles: {' → '.join((*above, name))}")
    for one in _targets(aliases[name]):
        yield from _put_in(aliases, one + path[len(name) + 1 :], (*above, name))


def _targets(alias: Any) -> list[str]:
    """Return the paths of an alias: a path, a list, or one per format, of which ours counts, the last first."""
    if isinstance(alias, dict):
        targets = [one for one in alias.get("targets") or [] if isinstance(one, dict)]
        fit = [one for one in targets if RUNS & set(map(str, one.get("formats") or []))]
        alias = fit[-1].get("given") if fit else []
    listed = alias if isinstance(alias, list) else [alias]
    if not all(isinstance(one, str) for one in listed):
        raise BadAlias("of an alias is no text")
    return listed
