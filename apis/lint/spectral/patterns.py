"""Regular expressions of people we do not know, run by an engine that cannot be made to hang.

Python's `re` has no time limit. jsonschema-rs has Rust's engine, which is linear in the text; where a pattern needs
look-around or back-references another one goes back a bounded number of times, over a short text. Both take ECMA-262's
syntax, as Spectral does.
"""

from __future__ import annotations

import re
from functools import lru_cache

import jsonschema_rs

# Steps back, bytes of the compiled program, characters of the text.
LINEAR = jsonschema_rs.RegexOptions(size_limit=1_000_000, dfa_size_limit=1_000_000)
OPTIONS = jsonschema_rs.FancyRegexOptions(backtrack_limit=50_000, size_limit=1_000_000, dfa_size_limit=1_000_000)
LONGEST_PATTERN = 2_000
LONGEST_TEXT = 20_000
# With look-around the engine may look ahead from each character anew: quadratic, so the text is short.
LONGEST_LOOKED_AROUND = 1_000
_LITERAL = re.compile(r"^/(.+)/([a-z]*)$", re.DOTALL)
_QUANTIFIER = re.compile(r"\{\d+(?:,\d*)?\}")
_DRAFT = "http://json-schema.org/draft-07/schema#"


class BadPattern(ValueError):
    """A pattern that the engine does not take; the text says why."""


class Pattern:
    """A compiled pattern; `is_in` looks for it anywhere in a text."""

    def __init__(self, source: str, flags: str = "") -> None:
        if len(source) > LONGEST_PATTERN:
            raise BadPattern(f"a pattern has at most {LONGEST_PATTERN:,} characters, this one {len(source):,}")
        if unknown := set(flags) - set("dgimsuvy"):
            raise BadPattern(f"the flag {min(unknown)!r} is not known")
        schema = {"$schema": _DRAFT, "pattern": _translate(source, flags)}
        self._longest = LONGEST_TEXT
        try:
            self._validator = jsonschema_rs.validator_for(schema, pattern_options=LINEAR)
        except ValueError:
            self._longest = LONGEST_LOOKED_AROUND
            try:
                self._validator = jsonschema_rs.validator_for(schema, pattern_options=OPTIONS)
            except ValueError as error:
                raise BadPattern(f"{source[:80]!r} is no regular expression that can be run here") from error

    def is_in(self, text: str) -> bool:
        """Say whether the beginning of a text holds the pattern; False where it would take too long to find."""
        return self._validator.is_valid(text[: self._longest])


@lru_cache(maxsize=2_000)
def compile_pattern(text: str, flags: str = "") -> Pattern:
    """Compile a pattern, written plainly or as /pattern/flags; raise BadPattern."""
    literal = None if flags else _LITERAL.match(text)
    return Pattern(*literal.groups()) if literal else Pattern(text, flags)


def _translate(source: str, flags: str) -> str:
    """Write a pattern as the engine takes it: flags put in, braces and brackets that are text escaped."""
    made: list[str] = []
    place, in_class = 0, False
    while place < len(source):
        sign = source[place]
        if sign == "\\":
            made.append(source[place : place + 2])
            place += 2
            continue
        if sign == "(" and source[place : place + 3] == "(?<" and source[place + 3 : place + 4] not in ("=", "!"):
            # A group's name is no text to match.
            end = source.find(">", place) + 1
            made.append(source[place:end])
            place = max(end, place + 1)
            continue
        if in_class:
            piece, place = _in_class(source, place, flags)
            in_class = piece != "]"
            made.append(piece)
            continue
        if counted := _QUANTIFIER.match(source, place):
            made.append(counted.group())
            place = counted.end()
            continue
        in_class = sign == "["
        opening = 2 if source[place : place + 2] == "[^" else 1
        made.append(source[place : place + opening] if in_class else _outside(sign, flags))
        place += opening if in_class else 1
    return "".join(made)


def _outside(sign: str, flags: str) -> str:
    if sign in "{}":
        return f"\\{sign}"
    if "i" in flags and sign.isascii() and sign.isalpha():
        return f"[{sign.lower()}{sign.upper()}]"
    if "s" in flags and sign == ".":
        return r"[\s\S]"
    if "m" in flags and sign in "^$":
        return r"(?:^|(?<=\n))" if sign == "^" else r"(?:$|(?=\n))"
    return sign


def _in_class(source: str, place: int, flags: str) -> tuple[str, int]:
    """Return what stands for the sign, or the range, at a place of a character class, and the place behind it."""
    sign = source[place]
    if sign in "[&~":
        # Plain signs in ECMA-262, sets within sets to the engine.
        return f"\\{sign}", place + 1
    is_range = source[place + 1 : place + 2] == "-" and source[place + 2 : place + 3] not in ("", "]", "\\")
    piece = source[place : place + 3] if is_range else sign
    place += len(piece)
    letters = piece.replace("-", "") if is_range else piece
    if "i" in flags and letters.isascii() and letters.isalpha() and letters in (letters.lower(), letters.upper()):
        return piece + piece.swapcase(), place
    return piece, place
