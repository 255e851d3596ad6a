"""unreferencedReusableObject: what is kept for reuse and used nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.design.pointers import join_pointer, split_reference
from apis.lint.spectral.functions.target import Function, Options, Said, Target, known_options


def _unreferenced(target: Target, options: Options) -> Iterator[Said]:
    base = split_reference(options["reusableObjectsLocation"])
    used = _used(target.terrain.document)
    for name in target.value:
        if join_pointer([*base, name]) not in used:
            yield Said("Potential orphaned reusable object has been detected", "", (name,))


def _used(document: Any) -> set[str]:
    """Return the pointers of all that a reference names."""
    found: set[str] = set()
    stack: list[Any] = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/"):
                found.add(join_pointer(split_reference(reference)))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found


def _check(options: Any) -> str:
    name = "reusableObjectsLocation"
    if wrong := known_options(options, (name,), (name,)):
        return wrong
    is_place = isinstance(options[name], str) and (options[name] == "#" or options[name].startswith("#/"))
    return "" if is_place else f"needs a place such as #/components/schemas in {name!r}"


FUNCTIONS = {"unreferencedReusableObject": Function(_unreferenced, _check, (dict,))}
