"""What a core function is given and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apis.lint.spectral.places import Key, Terrain

# What of the target a message begins with.
Subject = Literal["", "property", "value"]
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A value to judge, UNDEFINED where it is not there, and the document it is of."""

    value: Any
    terrain: Terrain


@dataclass(frozen=True, slots=True)
class Said:
    """What stands against a target; `way` leads from it to the very place."""

    text: str
    subject: Subject = ""
    way: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A core function: its judgement, and what is wrong with options given to it, "" for nothing.

    `takes` are the kinds of values it looks at; it says nothing of others, as in Spectral.
    """

    judge: Callable[[Target, Options], Iterator[Said]]
    check: Callable[[Any], str]
    takes: tuple[type, ...] = ()


def no_options(options: Any) -> str:
    """Refuse options."""
    return "" if options in (None, {}) else "takes no functionOptions"


def known_options(options: Any, names: tuple[str, ...], needed: tuple[str, ...] = ()) -> str:
    """Say which option is not known, or missing."""
    if not isinstance(options, dict):
        return f"needs functionOptions with {' and '.join(needed or names)}"
    if unknown := sorted(set(options) - set(names)):
        return f"does not know the option {unknown[0]!r}; there are {', '.join(names)}"
    if missing := [name for name in needed if name not in options]:
        return f"needs the option {missing[0]!r}"
    return ""
