"""A rule of a ruleset in Spectral's format, and its run over a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from apis.design.pointers import join_pointer
from apis.lint.rule import Hit, Rule, Severity
from apis.lint.spectral.functions import CORE, Said, Target
from apis.lint.spectral.given import Step, find_places
from apis.lint.spectral.places import Key, Place, Terrain, TooMuch
from apis.lint.spectral.values import UNDEFINED, is_number, print_value, to_text
from apis.lint.view import DocumentView

LONGEST_MESSAGE = 500
MOST_HITS = 5_000
PLACEHOLDER = re.compile(r"#?\{\{([^}\n]+)\}\}")
STOPPED = "This rule was stopped: it looks at more places than one rule may. Make its path narrower."


@dataclass(frozen=True, slots=True)
class Then:
    """One check of a rule: at a field of what was found, or at it itself."""

    function: str
    options: Any = None
    field: str = ""
    # The field as a path, where it is written as one ($…), else as the keys it goes through.
    steps: tuple[Step, ...] = ()
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class SpectralRule:
    """One rule; `given` are its paths, aliases put in."""

    name: str
    severity: Severity
    given: tuple[tuple[Step, ...], ...]
    then: tuple[Then, ...]
    description: str = ""
    message: str = ""
    url: str = ""
    is_resolved: bool = True
    formats: tuple[str, ...] = field(default=())

    def as_rule(self) -> Rule:
        """Return it as a rule of lint."""
        title = self.description or self.message or self.name
        return Rule(self.name, self.severity, title[:200], self.url or self.description, self.check)

    def check(self, view: DocumentView) -> Iterator[Hit]:
        """Yield what stands against it in a document, each place and message once."""
        terrain = Terrain(view.document, is_resolved=self.is_resolved)
        seen: set[Hit] = set()
        try:
            for hit in self._hits(terrain):
                if hit not in seen:
                    seen.add(hit)
                    yield hit
                if len(seen) >= MOST_HITS:
                    return
        except TooMuch:
            yield "", STOPPED

    def _hits(self, terrain: Terrain) -> Iterator[Hit]:
        for steps in self.given:
            for place in find_places(terrain, steps):
                for then in self.then:
                    function = CORE[then.function]
                    for target in _targets(terrain, place, then):
                        if function.takes and not _is_taken(target.value, function.takes):
                            continue
                        for said in function.judge(Target(target.value, terrain), then.options or {}):
                            yield self._hit(terrain, target, said)

    def _hit(self, terrain: Terrain, target: _Aim, said: Said) -> Hit:
        place, missing = target.place, target.missing
        for number, key in enumerate(said.way):
            below = terrain.child(place, key) if not missing else None
            if below is None:
                missing = (*missing, *said.way[number:])
                break
            place = below
        value = place.parent.value[place.key] if place.is_key and place.parent else place.value
        spoken = _property(place, missing)
        text = said.text
        if said.subject == "property":
            text = f'"{spoken}" property {text}' if spoken else f"The document {text}"
        elif said.subject == "value":
            text = f"{print_value(value)}{text}"
        words = {
            "property": spoken, "error": text, "path": "#" + quote(join_pointer(place.location), safe="/~!*'()"),
            "description": self.description, "value": to_text(value),
        }  # fmt: skip
        shown = _filled(self.message, words) if self.message else self.description or text
        return join_pointer(place.location), shown.strip()[:LONGEST_MESSAGE]


@dataclass(frozen=True, slots=True)
class _Aim:
    """A value to judge, the nearest place that is there, and the keys from it to the value."""

    value: Any
    place: Place
    missing: tuple[Key, ...] = ()


def _targets(terrain: Terrain, place: Place, then: Then) -> Iterator[_Aim]:
    if not then.field or not isinstance(place.value, dict | list):
        yield _Aim(place.value, place)
    elif then.field == "@key":
        found = [_Aim(str(child.key), child.as_key()) for child in terrain.children(place)]
        yield from found or [_Aim(UNDEFINED, place)]
    elif then.steps:
        aims = [_Aim(below.value, below) for below in find_places(terrain, then.steps, place)]
        yield from aims or [_Aim(UNDEFINED, place)]
    else:
        yield _aim(terrain, place, then.keys)


def _aim(terrain: Terrain, place: Place, keys: Sequence[Key]) -> _Aim:
    for number, key in enumerate(keys):
        below = terrain.child(place, key)
        if below is None:
            return _Aim(UNDEFINED, place, tuple(keys[number:]))
        place = below
    return _Aim(place.value, place)


def _is_taken(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) or (is_number(value) and float in kinds)


def _property(place: Place, missing: tuple[Key, ...]) -> str:
    """Return the last key of a way; where its end is missing, from the last that is there on, with dots."""
    if not missing:
        return str(place.location[-1]) if place.location else ""
    shown = ""
    for key in (*place.location[-1:], *missing):
        is_number_like = isinstance(key, int) or key.isdecimal()
        shown += f"[{key}]" if is_number_like else f".{key}" if shown else str(key)
    return shown


def _filled(template: str, words: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: words.get(found.group(1).strip(), ""), template)
