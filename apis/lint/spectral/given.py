"""`given`: JSONPath in the dialect of Spectral, read into steps and walked.

It differs from RFC 9535 where people's rulesets do: `~` takes keys, `^` goes up, names in brackets need no quotes, and
filters are JavaScript with `@property`, `@parent` and `match()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from apis.lint.spectral.expressions import BadExpression, Scope, compile_filter
from apis.lint.spectral.places import Place, Terrain
from apis.lint.spectral.values import is_truthy

LONGEST = 2_000
MOST_PARTS = 60
Step = Callable[[Terrain, Place], Iterable[Place]]
NAME = re.compile(r"[^.\[\]~^()\s,'\"?*]+")
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d+))?$")
FROM_END = re.compile(r"\(?\s*@\.length\s*-\s*(\d+)\s*\)?$")


class BadPath(ValueError):
    """A path that is not understood; the text says what of it."""


@lru_cache(maxsize=4_000)
def compile_given(text: str) -> tuple[Step, ...]:
    """Return the steps of a path; raise BadPath."""
    if len(text) > LONGEST:
        raise BadPath(f"a path has at most {LONGEST:,} characters, this one {len(text):,}")
    try:
        return tuple(_Reader(text.strip()).steps())
    except BadExpression as error:
        raise BadPath(f"{text[:120]!r}: in its filter {error}") from error


def find_places(terrain: Terrain, steps: Iterable[Step], start: Place | None = None) -> Iterator[Place]:
    """Yield the places that a path leads to, from the root or another place."""
    found: Iterable[Place] = (start or terrain.root,)
    for step in steps:
        found = _walk(terrain, step, found)
    yield from found


def _walk(terrain: Terrain, step: Step, places: Iterable[Place]) -> Iterator[Place]:
    for place in places:
        yield from step(terrain, place)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def steps(self) -> Iterator[Step]:
        if not self.text.startswith("$"):
            raise self.bad("a path begins with $")
        self.place = 1
        count = 0
        while self.place < len(self.text):
            count += 1
            if count > MOST_PARTS:
                raise self.bad(f"it has more than {MOST_PARTS} parts")
            yield self.step()

    def bad(self, why: str) -> BadPath:
        return BadPath(f"{self.text[:120]!r}: {why}")

    def step(self) -> Step:
        if self.takes(".."):
            if self.peek() in ("~", "^", ""):
                raise self.bad("a name, * or [ is missing after ..")
            return _below(self.bracket() if self.takes("[") else self.name())
        if self.takes(".["):
            return self.bracket()
        if self.takes("."):
            return _keys if self.takes("~") else self.name()
        if self.takes("["):
            return self.bracket()
        if self.takes("~"):
            return _keys
        if self.takes("^"):
            return _up
        raise self.bad(f"{self.text[self.place :][:20]!r} is not understood")

    def peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def takes(self, text: str) -> bool:
        if not self.text.startswith(text, self.place):
            return False
        self.place += len(text)
        return True

    def name(self) -> Step:
        if self.takes("*"):
            return _all
        found = QUOTED.match(self.text, self.place) or NAME.match(self.text, self.place)
        if found is None:
            raise self.bad(f"a name is missing before {self.text[self.place :][:20] or 'the end'!r}")
        self.place = found.end()
        return _members((_unquoted(found.group()),))

    def bracket(self) -> Step:
        inner = self.inside().strip()
        if inner == "*":
            return _all
        if inner == "~":
            return _keys
        if inner.startswith("?"):
            return _filter(compile_filter(inner[1:]))
        if found := FROM_END.match(inner):
            return _members((-int(found.group(1)),))
        if found := SLICE.match(inner):
            return _slice(*(int(part) if part else None for part in found.groups()))
        return _members(tuple(self.members(inner)))

    def inside(self) -> str:
        """Return what stands up to the bracket's end, quotes, patterns and inner brackets skipped."""
        start, depth = self.place, 1
        while self.place < len(self.text):
            sign = self.peek()
            if sign in "'\"" and (quoted := QUOTED.match(self.text, self.place)):
                self.place = quoted.end()
                continue
            if sign == "\\":
                self.place += 2
                continue
            depth += {"[": 1, "]": -1}.get(sign, 0)
            self.place += 1
            if depth == 0:
                return self.text[start : self.place - 1]
        raise self.bad("a bracket does not end")

    def members(self, inner: str) -> Iterator[str | int]:
        place = 0
        while True:
            while inner[place : place + 1].isspace():
                place += 1
            found = QUOTED.match(inner, place) or re.compile(r"[^,'\"]+").match(inner, place)
            if found is None:
                raise self.bad(f"a name is missing in [{inner[:40]}]")
            text, place = found.group().strip(), found.end()
            yield int(text) if re.fullmatch(r"-?\d{1,9}", text) else _unquoted(text)
            rest = inner[place:].lstrip()
            if not rest:
                return
            if not rest.startswith(","):
                raise self.bad(f"a comma is missing in [{inner[:40]}]")
            place = len(inner) - len(rest) + 1


def _unquoted(text: str) -> str:
    if text[:1] in "'\"" and len(text) > 1:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _all(terrain: Terrain, place: Place) -> Iterable[Place]:
    return terrain.children(place)


def _keys(terrain: Terrain, place: Place) -> Iterable[Place]:
    return (place.as_key(),)


def _up(terrain: Terrain, place: Place) -> Iterable[Place]:
    return (place.parent,) if place.parent else ()


def _members(names: tuple[str | int, ...]) -> Step:
    def step(terrain: Terrain, place: Place) -> Iterator[Place]:
        for name in names:
            if (found := terrain.child(place, name)) is not None:
                yield found

    return step


def _slice(start: int | None, stop: int | None, pace: int | None = None) -> Step:
    def step(terrain: Terrain, place: Place) -> Iterator[Place]:
        if isinstance(place.value, list) and pace != 0:
            for index in range(len(place.value))[start:stop:pace]:
                if (found := terrain.child(place, index)) is not None:
                    yield found

    return step


def _filter(judge: Callable[[Scope], Any]) -> Step:
    def step(terrain: Terrain, place: Place) -> Iterator[Place]:
        for child in terrain.children(place):
            found = judge(Scope(child, terrain))
            if is_truthy(found.value if isinstance(found, Place) else found):
                yield child

    return step


def _below(inner: Step) -> Step:
    def step(terrain: Terrain, place: Place) -> Iterator[Place]:
        for found in terrain.descend(place):
            yield from inner(terrain, found)

    return step
