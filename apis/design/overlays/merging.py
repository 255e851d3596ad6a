"""How a value is merged into a node (Overlay 1.1.0 §4.4.3): objects recursively, lists one after the other."""

from __future__ import annotations

from apis.design.json_path import Budget
from apis.design.json_types import Json, shorten
from apis.design.loading import MAX_DEPTH

# The canonical form nests some levels deeper than what was written.
_DEEPEST = MAX_DEPTH + 50


class Incompatible(ValueError):
    """The value cannot be put there; the message says why."""


def kind_of(value: Json) -> str:
    """Return what a node is, in the words of messages."""
    return "objects" if isinstance(value, dict) else "lists" if isinstance(value, list) else "single values"


def merge_problem(target: Json, value: Json, *, is_target: bool = False, where: str = "") -> str:
    """Return why a value cannot be merged into a node, "" when it can. A list that is the target takes any value."""
    if isinstance(target, dict) and isinstance(value, dict):
        shared = ((key, target[key], inner) for key, inner in value.items() if key in target)
        problems = (merge_problem(old, new, where=f"{where}.{key}" if where else key) for key, old, new in shared)
        return next(filter(None, problems), "")
    if isinstance(target, list) and (is_target or isinstance(value, list)):
        return ""
    if not isinstance(target, dict | list) and not isinstance(value, dict | list):
        return ""
    place = f"{shorten(where)[1:-1]} is" if where else "it selects"
    return f"{place} {_shown(target)} and the value is {_shown(value)}: they cannot be merged. Remove the old one first"


def _shown(value: Json) -> str:
    return shorten(value) if isinstance(value, dict | list) else f"the value {shorten(value)}"


def merge_value(target: dict[str, Json] | list[Json], value: Json) -> None:
    """Merge a value into an object or a list; `merge_problem` has found none."""
    if isinstance(target, list):
        target.extend(value if isinstance(value, list) else [value])
        return
    for key, inner in value.items() if isinstance(value, dict) else ():
        old = target.get(key)
        if isinstance(old, dict | list) and key in target:
            merge_value(old, inner)
        else:
            target[key] = inner


def clone(value: Json, budget: Budget, depth: int) -> Json:
    """Return a copy that shares nothing; raise Incompatible where it would be nested too deeply at that depth."""
    budget.spend(1)
    if not isinstance(value, dict | list):
        return value
    if depth > _DEEPEST:
        raise Incompatible(f"the document would be nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        return {key: clone(inner, budget, depth + 1) for key, inner in value.items()}
    return [clone(inner, budget, depth + 1) for inner in value]
