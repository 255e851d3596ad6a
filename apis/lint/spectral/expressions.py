"""The filters of `given`, `[?( … )]`: a small part of JavaScript, read into a tree and judged without running code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apis.lint.spectral.patterns import BadPattern, Pattern
from apis.lint.spectral.places import Place, Terrain
from apis.lint.spectral.values import UNDEFINED, is_alike, is_same, is_truthy, to_number

VARIABLES = ("property", "parentProperty", "parent", "root", "path")
TOKENS = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<op>===|!==|==|!=|>=|<=|&&|\|\||[><!().,\[\]+-])"
    r"|(?P<current>@(?:[A-Za-z]+\b(?!\())?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<slash>/))"
)
REGEX = re.compile(r"/((?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)")
DEEPEST = 40
WORDS = {"true": True, "false": False, "null": None, "undefined": UNDEFINED}


class BadExpression(ValueError):
    """A filter that is not understood; the text says what of it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter sees: the place that is judged and the document."""

    place: Place
    terrain: Terrain


Judge = Callable[[Scope], Any]


def compile_filter(text: str) -> Judge:
    """Return what judges a place by a filter's text; raise BadExpression."""
    reader = _Reader(text)
    judge = reader.either()
    reader.end()
    return judge


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Place) else value


class _Reader:
    """Reads by descent: or, and, comparison, not, member, literal."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth = text, 0, 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> None:
        if not self.text[self.place :].strip():
            self.kind, self.token = "end", ""
            self.place = len(self.text)
            return
        found = TOKENS.match(self.text, self.place)
        if found is None or found.lastgroup is None:
            raise BadExpression(f"{self.text[self.place :].strip()[:40]!r} is not understood")
        self.kind, self.token, self.place = found.lastgroup, found.group(found.lastgroup), found.end()

    def takes(self, token: str) -> bool:
        if self.token != token or self.kind in ("text", "end"):
            return False
        self.advance()
        return True

    def needs(self, token: str) -> None:
        if not self.takes(token):
            raise BadExpression(f"{token!r} is missing before {self.token or 'the end'!r}")

    def end(self) -> None:
        if self.kind != "end":
            raise BadExpression(f"{self.token!r} is not expected")

    def either(self) -> Judge:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadExpression(f"it is nested deeper than {DEEPEST} levels")
        left = self.both()
        while self.takes("||"):
            left = _either(left, self.both())
        self.depth -= 1
        return left

    def both(self) -> Judge:
        left = self.comparison()
        while self.takes("&&"):
            left = _both(left, self.comparison())
        return left

    def comparison(self) -> Judge:
        left = self.unary()
        while self.kind == "op" and self.token in COMPARE:
            compare = COMPARE[self.token]
            self.advance()
            left = _compared(compare, left, self.unary())
        return left

    def unary(self) -> Judge:
        negations = 0
        while self.takes("!"):
            negations += 1
        if self.takes("-"):
            number = self.number()
            return lambda scope: -number
        inner = self.members()
        # Two negations make a boolean of it, and any more in pairs say the same.
        for _ in range(negations if negations < 3 else 2 - negations % 2):
            inner = _negated(inner)
        return inner

    def number(self) -> float:
        if self.kind != "number":
            raise BadExpression(f"a number is missing before {self.token!r}")
        value = float(self.token)
        self.advance()
        return value

    def members(self) -> Judge:
        judge = self.primary()
        while True:
            if self.takes("."):
                if self.kind != "name":
                    raise BadExpression(f"a name is missing before {self.token or 'the end'!r}")
                name = self.token
                self.advance()
                judge = self.call(judge, name) if self.takes("(") else _member(judge, lambda scope, name=name: name)  # type: ignore[misc]
            elif self.takes("["):
                key = self.either()
                self.needs("]")
                judge = _member(judge, key)
            else:
                return judge

    def call(self, judge: Judge, name: str) -> Judge:
        arguments: list[Judge] = []
        while not self.takes(")"):
            arguments.append(self.either())
            if not self.takes(","):
                self.needs(")")
                break
        if name not in METHODS:
            raise BadExpression(f"the function {name}() is not known here")
        method, most = METHODS[name]
        if len(arguments) > most:
            raise BadExpression(f"{name}() takes {most} argument{'' if most == 1 else 's'}")
        return lambda scope: method(_plain(judge(scope)), *(_plain(argument(scope)) for argument in arguments))

    def primary(self) -> Judge:
        if self.takes("("):
            inner = self.either()
            self.needs(")")
            return inner
        kind, token = self.kind, self.token
        if kind == "slash":
            return self.pattern()
        if kind == "current":
            self.advance()
            return _current(token[1:])
        if kind == "number":
            value: Any = self.number()
            return lambda scope: value
        if kind == "text":
            self.advance()
            written = re.sub(r"\\(.)", r"\1", token[1:-1])
            return lambda scope: written
        if kind == "name" and token == "void":  # noqa: S105 - a word of JavaScript
            self.advance()
            self.number()
            return lambda scope: UNDEFINED
        if kind == "name" and token in WORDS:
            self.advance()
            return lambda scope: WORDS[token]
        raise BadExpression(f"{token or 'the end'!r} is not expected")

    def pattern(self) -> Judge:
        found = REGEX.match(self.text, self.place - 1)
        if found is None:
            raise BadExpression("a regular expression does not end")
        self.place = found.end()
        self.advance()
        try:
            made = Pattern(*found.groups())
        except BadPattern as error:
            raise BadExpression(str(error)) from error
        return lambda scope: made


def _either(left: Judge, right: Judge) -> Judge:
    def judge(scope: Scope) -> Any:
        value = left(scope)
        return value if is_truthy(_plain(value)) else right(scope)

    return judge


def _both(left: Judge, right: Judge) -> Judge:
    def judge(scope: Scope) -> Any:
        value = left(scope)
        return right(scope) if is_truthy(_plain(value)) else value

    return judge


def _negated(inner: Judge) -> Judge:
    return lambda scope: not is_truthy(_plain(inner(scope)))


def _compared(compare: Callable[[Any, Any], bool], left: Judge, right: Judge) -> Judge:
    return lambda scope: compare(_plain(left(scope)), _plain(right(scope)))


def _current(name: str) -> Judge:
    if name == "":
        return lambda scope: scope.place
    if name == "property":
        return lambda scope: str(scope.place.key) if scope.place.parent else None
    if name == "parentProperty":
        return lambda scope: str(scope.place.parent.key) if scope.place.parent else None
    if name == "parent":
        return lambda scope: scope.place.parent or UNDEFINED
    if name == "root":
        return lambda scope: scope.terrain.root
    if name == "path":
        return lambda scope: "$" + "".join(f"['{key}']" for key in scope.place.location)
    raise BadExpression(f"@{name} is not known; there are @, @{', @'.join(VARIABLES)}")


def _member(base: Judge, key: Judge) -> Judge:
    def judge(scope: Scope) -> Any:
        held, name = base(scope), _plain(key(scope))
        value = _plain(held)
        if name == "length" and isinstance(value, str | list):
            return len(value)
        if isinstance(held, Place) and isinstance(name, str | int | float):
            return scope.terrain.child(held, name if isinstance(name, str) else int(name)) or UNDEFINED
        return UNDEFINED

    return judge


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def judge(left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        one, other = to_number(left), to_number(right)
        return one is not None and other is not None and compare(one, other)

    return judge


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "===": is_same,
    "!==": lambda left, right: not is_same(left, right),
    "==": is_alike,
    "!=": lambda left, right: not is_alike(left, right),
    ">": _ordered(lambda left, right: left > right),
    "<": _ordered(lambda left, right: left < right),
    ">=": _ordered(lambda left, right: left >= right),
    "<=": _ordered(lambda left, right: left <= right),
}


def _match(value: Any, pattern: Any = UNDEFINED) -> Any:
    if not isinstance(value, str):
        return UNDEFINED
    return pattern.is_in(value) if isinstance(pattern, Pattern) else isinstance(pattern, str) and pattern in value


def _test(pattern: Any, value: Any = UNDEFINED) -> Any:
    return isinstance(pattern, Pattern) and isinstance(value, str) and pattern.is_in(value)


def _includes(value: Any, wanted: Any = UNDEFINED) -> Any:
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    return isinstance(value, list) and any(is_same(item, wanted) for item in value)


def _index_of(value: Any, wanted: Any = UNDEFINED) -> Any:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.find(wanted)
    if isinstance(value, list):
        return next((index for index, item in enumerate(value) if is_same(item, wanted)), -1)
    return UNDEFINED


def _of_text(work: Callable[..., Any]) -> Callable[..., Any]:
    def method(value: Any, *arguments: Any) -> Any:
        is_fit = isinstance(value, str) and all(isinstance(argument, str) for argument in arguments)
        return work(value, *arguments) if is_fit else UNDEFINED

    return method


# name -> (what it does, how many arguments it takes)
METHODS: dict[str, tuple[Callable[..., Any], int]] = {
    "match": (_match, 1),
    "test": (_test, 1),
    "includes": (_includes, 1),
    "indexOf": (_index_of, 1),
    "startsWith": (_of_text(str.startswith), 1),
    "endsWith": (_of_text(str.endswith), 1),
    "toLowerCase": (_of_text(str.lower), 0),
    "toUpperCase": (_of_text(str.upper), 0),
    "trim": (_of_text(str.strip), 0),
    "toString": (lambda value: str(value), 0),
    "hasOwnProperty": (lambda value, name=None: isinstance(value, dict) and name in value, 1),
}
