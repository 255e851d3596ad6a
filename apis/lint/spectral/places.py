"""Places in a document: a value, the way to it, and where it is written once references are followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apis.design.pointers import UnresolvedPointer, resolve_parts, split_reference

Key = str | int
MOST_STEPS = 3_000_000
# What a function gets to see of a value in one piece, references followed.
MOST_IN_ONE = 100_000
DEEPEST = 60
LONGEST_CHAIN = 50


class TooMuch(RuntimeError):
    """A rule looked at more places than one rule may."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A value with its key, the place that holds it, and its location in the source.

    Where a reference was followed the location is that of what it names, not of the reference.
    """

    value: Any
    location: tuple[Key, ...] = ()
    key: Key = ""
    parent: Place | None = None
    # With `~` and `@key` the value of a place is its key.
    is_key: bool = False

    def as_key(self) -> Place:
        """Return the place of its key: where that is written, whatever a reference behind it leads to."""
        written = (*self.parent.location, self.key) if self.parent else self.location
        return Place(str(self.key), written, self.key, self.parent, is_key=True)


class Terrain:
    """A document to walk over; `is_resolved` follows local references as if their targets stood there."""

    def __init__(self, document: Any, *, is_resolved: bool) -> None:
        self.document = document
        self.is_resolved = is_resolved
        self.root = Place(document)
        self.steps = 0

    def children(self, place: Place) -> Iterator[Place]:
        """Yield the places right below one."""
        value = place.value
        if place.is_key:
            return
        if isinstance(value, dict):
            for key in value:
                yield self._child(place, key, value[key])
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield self._child(place, index, item)

    def child(self, place: Place, key: Key) -> Place | None:
        """Return the place below by its key, None when there is none."""
        value = place.value
        if place.is_key:
            return None
        if isinstance(value, dict) and str(key) in value:
            return self._child(place, str(key), value[str(key)])
        if isinstance(value, list) and (index := _index(key, len(value))) is not None:
            return self._child(place, index, value[index])
        return None

    def descend(self, start: Place) -> Iterator[Place]:
        """Yield a place and all below it; what references share is entered once."""
        seen: set[tuple[Key, ...]] = set()
        stack = [start]
        while stack:
            place = stack.pop()
            yield place
            if isinstance(place.value, dict | list) and place.location not in seen:
                seen.add(place.location)
                stack.extend(reversed(list(self.children(place))))

    def whole(self, value: Any) -> Any:
        """Return a value with the references in it followed; circles, and what is too large, stay references."""
        return _Copy(self).make(value, (), 0) if self.is_resolved else value

    def _child(self, parent: Place, key: Key, value: Any) -> Place:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooMuch
        location = (*parent.location, key)
        if self.is_resolved and isinstance(value, dict) and "$ref" in value:
            value, location = self._follow(value, location)
        return Place(value, location, key, parent)

    def _follow(self, value: Any, location: tuple[Key, ...]) -> tuple[Any, tuple[Key, ...]]:
        """Follow a reference to its end; one that is broken, foreign or goes in circles stays as it is."""
        found, where = value, location
        for _ in range(LONGEST_CHAIN):
            reference = found.get("$ref") if isinstance(found, dict) else None
            if not isinstance(reference, str):
                return found, where
            if not reference.startswith("#/"):
                break
            parts = split_reference(reference)
            try:
                found = resolve_parts(self.document, parts)
            except UnresolvedPointer:
                break
            where = _typed(self.document, parts)
        return value, location


class _Copy:
    """Copies a value and what it refers to, up to a size."""

    def __init__(self, terrain: Terrain) -> None:
        self.terrain, self.count = terrain, 0

    def make(self, value: Any, above: tuple[str, ...], depth: int) -> Any:
        self.count += 1
        if isinstance(value, list):
            return [self.make(item, above, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference not in above and depth < DEEPEST and self.count < MOST_IN_ONE:
            found, _ = self.terrain._follow(value, ())
            if found is not value:
                return self.make(found, (*above, reference), depth + 1)
        return {key: self.make(item, above, depth + 1) for key, item in value.items()}


def _typed(document: Any, parts: list[str]) -> tuple[Key, ...]:
    """Return a way with numbers where it goes through lists."""
    made: list[Key] = []
    value = document
    for part in parts:
        key: Key = int(part) if isinstance(value, list) else part
        made.append(key)
        value = value[key]
    return tuple(made)


def _index(key: Key, size: int) -> int | None:
    if isinstance(key, str):
        if not (key.isascii() and key.isdecimal()):
            return None
        key = int(key)
    if key < 0:
        key += size
    return key if 0 <= key < size else None
