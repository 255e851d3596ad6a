"""truthy, falsy, defined, undefined, or, xor: what has to be there, and what must not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.lint.spectral.functions.target import Function, Options, Said, Target, known_options, no_options
from apis.lint.spectral.values import UNDEFINED, is_truthy


def _truthy(target: Target, options: Options) -> Iterator[Said]:
    if not is_truthy(target.value):
        yield Said("must be truthy", "property")


def _falsy(target: Target, options: Options) -> Iterator[Said]:
    if is_truthy(target.value):
        yield Said("must be falsy", "property")


def _defined(target: Target, options: Options) -> Iterator[Said]:
    if target.value is UNDEFINED:
        yield Said("must be defined", "property")


def _undefined(target: Target, options: Options) -> Iterator[Said]:
    if target.value is not UNDEFINED:
        yield Said("must be undefined", "property")


def _or(target: Target, options: Options) -> Iterator[Said]:
    if not any(name in target.value for name in options["properties"]):
        yield Said(f"At least one of {_listed(options['properties'])} must be defined")


def _xor(target: Target, options: Options) -> Iterator[Said]:
    yield from _or(target, options)
    present = [name for name in target.value if name in options["properties"]]
    if len(present) > 1:
        names = " and ".join(f'"{name}"' for name in present)
        yield Said(f"Just one of {names} must be defined")


def _listed(names: list[str]) -> str:
    shown = " or ".join(f'"{name}"' for name in (names if len(names) <= 4 else names[:3]))
    return shown if len(names) <= 4 else f"{shown} or {len(names) - 3} other properties"


def _check_properties(options: Any) -> str:
    if wrong := known_options(options, ("properties",), ("properties",)):
        return wrong
    names = options["properties"]
    is_right = isinstance(names, list) and len(names) >= 2 and all(isinstance(name, str) for name in names)
    return "" if is_right else "needs two names or more in 'properties'"


FUNCTIONS = {
    "truthy": Function(_truthy, no_options),
    "falsy": Function(_falsy, no_options),
    "defined": Function(_defined, no_options),
    "undefined": Function(_undefined, no_options),
    "or": Function(_or, _check_properties, (dict,)),
    "xor": Function(_xor, _check_properties, (dict,)),
}
