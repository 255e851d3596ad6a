"""Values as Spectral's functions see them: JavaScript's truth, equality and printing, and a value that is not there."""

from __future__ import annotations

from typing import Any, Final

import orjson


class Undefined:
    """What stands for a member that is not there."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


def is_truthy(value: Any) -> bool:
    """Say whether JavaScript takes a value for true: empty lists and objects are, 0, "" and null are not."""
    return True if isinstance(value, dict | list) else bool(value)


def is_number(value: Any) -> bool:
    """Say whether a value is a number; Python's booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(one: Any, other: Any) -> bool:
    """Compare as `===` does: no conversion, and lists and objects are equal to themselves alone."""
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return one is other
    if is_number(one) and is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def is_alike(one: Any, other: Any) -> bool:
    """Compare as `==` does, as far as JSON's values go."""
    nothing = (None, UNDEFINED)
    if one in nothing or other in nothing:
        return one in nothing and other in nothing
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str) != isinstance(other, str):
        left, right = to_number(one), to_number(other)
        return left is not None and left == right
    return is_same(one, other)


def to_number(value: Any) -> float | None:
    """Return what JavaScript's Number() makes of a value, None for NaN."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        return float(value.strip() or 0) if isinstance(value, str) else None
    except ValueError:
        return None


def print_value(value: Any) -> str:
    """Print a value as Spectral's messages do: texts quoted, lists and objects by their kind alone."""
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, dict):
        return "Object{}"
    if isinstance(value, list):
        return "Array[]"
    return orjson.dumps(value).decode()


def to_text(value: Any) -> str:
    """Return a value as a template's placeholder shows it."""
    if value is UNDEFINED:
        return ""
    return value if isinstance(value, str) else print_value(value)
