"""enumeration, typedEnum, alphabetical: which values are allowed, of which type, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.lint.spectral.functions.target import Function, Options, Said, Target, known_options, no_options
from apis.lint.spectral.values import is_number, is_same, print_value, to_number
from apis.words import fold

# The order of signs in the Unicode Collation Algorithm's default table.
_SIGNS = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_TYPES = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and value == int(value),
    "number": is_number,
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _enumeration(target: Target, options: Options) -> Iterator[Said]:
    if not any(is_same(target.value, value) for value in options["values"]):
        allowed = ", ".join(print_value(value) for value in options["values"])
        yield Said(f" must be equal to one of the allowed values: {allowed}", "value")


def _check_enumeration(options: Any) -> str:
    if wrong := known_options(options, ("values",), ("values",)):
        return wrong
    values = options["values"]
    is_plain = isinstance(values, list) and not any(isinstance(value, dict | list) for value in values)
    return "" if is_plain else "needs a list of texts, numbers, booleans or null in 'values'"


def _typed_enum(target: Target, options: Options) -> Iterator[Said]:
    values, written = target.value.get("enum"), target.value.get("type")
    types = [written] if isinstance(written, str) else written
    if not isinstance(values, list) or not isinstance(types, list) or not set(map(str, types)) <= set(_TYPES):
        return
    for index, value in enumerate(values):
        if not any(_TYPES[name](value) for name in types):
            yield Said(f'Enum value {print_value(value)} must be "{", ".join(types)}".', "", ("enum", index))


def _alphabetical(target: Target, options: Options) -> Iterator[Said]:
    is_list = isinstance(target.value, list)
    keyed_by = (options or {}).get("keyedBy")
    items = list(target.terrain.whole(target.value) if keyed_by else target.value)
    if len(items) < 2:
        return
    if keyed_by is not None:
        if not all(isinstance(item, dict) for item in items):
            yield Said("must be an object", "property")
            return
        items = [item.get(keyed_by) for item in items]
    if not all(isinstance(item, str) or is_number(item) for item in items):
        yield Said("must be one of the allowed types: number, string", "property")
        return
    for index, (left, right) in enumerate(zip(items, items[1:], strict=False)):
        if _is_after(left, right):
            if keyed_by is not None:
                yield Said("properties must follow the alphabetical order")
            else:
                text = f"{print_value(left)} must be placed after {print_value(right)}"
                yield Said(text, "", (index if is_list else left,))
            return


def _is_after(left: Any, right: Any) -> bool:
    one, other = to_number(left), to_number(right)
    if one is not None and other is not None:
        return one > other
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    return _collated(left) > _collated(right)


def _collated(text: str) -> tuple[list[tuple[int, str]], str]:
    """Return what texts are ordered by, as a dictionary does it: signs, digits, letters.

    Accents and case decide only between words that are else the same, small letters first.
    """
    signs = [
        (_SIGNS.find(sign) if sign in _SIGNS else 50 + sign.isdigit() + 2 * sign.isalpha(), sign) for sign in fold(text)
    ]
    return signs, text.swapcase()


def _check_alphabetical(options: Any) -> str:
    if options is None:
        return ""
    if wrong := known_options(options, ("keyedBy",)):
        return wrong
    return "" if isinstance(options.get("keyedBy", ""), str) else "needs a name in 'keyedBy'"


FUNCTIONS = {
    "enumeration": Function(_enumeration, _check_enumeration, (str, int, float, bool, type(None))),
    "typedEnum": Function(_typed_enum, no_options, (dict,)),
    "alphabetical": Function(_alphabetical, _check_alphabetical, (dict, list)),
}
