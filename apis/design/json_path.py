"""JSONPath (RFC 9535) over documents, bounded: the words of a path, the work of its search, its regular expressions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import jsonschema_rs
from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError, JSONPathMatch
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.parse import Parser
from jsonpath.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath.selectors import IndexSelector, NameSelector
from jsonpath.stream import TokenStream

from apis.design.json_types import Json, shorten
from apis.design.loading import MAX_DEPTH

MAX_PATH_CHARACTERS = 1000
MAX_PATTERN_CHARACTERS = 200
# A node looked at costs one step, some microseconds; a document of ten megabytes has half a million nodes.
MAX_STEPS = 500_000
_PATTERN_STEPS = 500

Parts = tuple[str | int, ...]


class PathRefused(ValueError):
    """The text is no JSONPath of RFC 9535, or longer than is read; the message says where."""


class TooMuchWork(RuntimeError):
    """A search or a change looked at more values than a document may cost."""


class Budget:
    """Steps that are left; shared by all searches and changes of one document."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take steps away; raise TooMuchWork when none are left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork


class PathFinder:
    """Finds the places that a path selects; everything it does is taken from its budget."""

    def __init__(self, budget: Budget | None = None) -> None:
        self._environment = _Environment(budget or Budget())

    def find(self, path: str, document: Json) -> list[Parts]:
        """Return the places a path selects, each once, in its order; raise PathRefused, TooMuchWork."""
        compiled = self._compile(path)
        try:
            matches = [match for match in compiled.finditer(document) if _is_node(match)]  # type: ignore[arg-type]
        except (JSONPathError, RecursionError) as error:
            raise PathRefused(f"The path {shorten(path)} cannot be followed: {_said(error)}.") from error
        return list(dict.fromkeys(match.parts for match in matches))

    def check(self, path: str) -> None:
        """Raise PathRefused when the text is no path."""
        self._compile(path)

    def _compile(self, path: str) -> JSONPath:
        if len(path) > MAX_PATH_CHARACTERS:
            text = f"The path {shorten(path)} has {len(path)} characters; at most {MAX_PATH_CHARACTERS} are read."
            raise PathRefused(text)
        try:
            compiled = self._environment.compile(path)
        except (JSONPathError, RecursionError) as error:
            raise PathRefused(f"{shorten(path)} is no JSONPath (RFC 9535): {_said(error)}.") from error
        if not isinstance(compiled, JSONPath):
            raise PathRefused(f"{shorten(path)} joins two paths, which RFC 9535 does not have. Write two actions.")
        return compiled


def _is_node(match: JSONPathMatch) -> bool:
    """Say whether a match is a place of its own: slices of the library select characters of texts as well."""
    return match.parent is None or isinstance(match.parent.obj, dict | list)


def _said(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".") or "it is nested too deeply"


class _Environment(JSONPathEnvironment):
    """The environment of one budget: each node that a segment looks at, and each child of it, takes a step."""

    max_recursion_depth = 2 * MAX_DEPTH

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.parser_class = _Parser
        super().__init__(strict=True)

    def setup_function_extensions(self) -> None:
        """Put our regular expressions in the place of those that go back and forth without an end."""
        super().setup_function_extensions()
        self.function_extensions["match"] = _Pattern(self.budget, is_whole=True)
        self.function_extensions["search"] = _Pattern(self.budget, is_whole=False)


class _Parser(Parser):
    """Makes the segments of a path, and of the queries in its filters, ones that count."""

    def parse_query(self, stream: TokenStream) -> Iterable[JSONPathSegment]:
        """Yield the segments."""
        for segment in super().parse_query(stream):
            kind = _Descendants if isinstance(segment, JSONPathRecursiveDescentSegment) else _Children
            yield kind(env=segment.env, token=segment.token, selectors=segment.selectors)


class _Children(JSONPathChildSegment):
    """Children of nodes."""

    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        """Select, and count what is looked at."""
        return super().resolve(_counted(nodes, self))


class _Descendants(JSONPathRecursiveDescentSegment):
    """Nodes and all below them."""

    def _visit(self, node: JSONPathMatch, depth: int = 1) -> Iterable[JSONPathMatch]:
        return _counted(_below(node, self.env.max_recursion_depth), self)


def _below(node: JSONPathMatch, deepest: int) -> Iterator[JSONPathMatch]:
    """Yield a node and the nodes below it, each before its children; texts and numbers have none and are left out."""
    stack = [_Place.of(node)]
    top = len(node.parts)
    while stack:
        current = stack.pop()
        yield current
        if len(current.parts) - top > deepest:
            raise TooMuchWork
        value = current.obj
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        children = [current.new_child(inner, key) for key, inner in items if isinstance(inner, dict | list)]
        stack.extend(reversed(children))


def _counted(nodes: Iterable[JSONPathMatch], segment: JSONPathSegment) -> Iterator[JSONPathMatch]:
    budget = cast("_Environment", segment.env).budget
    is_direct = all(isinstance(selector, NameSelector | IndexSelector) for selector in segment.selectors)
    for node in nodes:
        budget.spend(1 if is_direct or not isinstance(node.obj, dict | list) else 1 + len(node.obj))
        yield _Place.of(node)


class _Place(JSONPathMatch):
    """A match that writes no text for its path and keeps no children: nobody here reads them, and they take most of
    the time."""

    __slots__ = ()

    @classmethod
    def of(cls, match: JSONPathMatch) -> _Place:
        """Return a match as one of ours."""
        if isinstance(match, cls):
            return match
        context = match.filter_context()
        return cls(
            filter_context=context, obj=match.obj, parent=match.parent, path="", parts=match.parts, root=match.root
        )

    def new_child(self, obj: object, key: int | str) -> _Place:
        """Return the match of a child."""
        parts = (*self.parts, key)
        return _Place(filter_context=self._filter_context, obj=obj, parent=self, path="", parts=parts, root=self.root)

    def add_child(self, *children: JSONPathMatch) -> None:
        """Keep none."""


class _Pattern(FilterFunction):
    """`match` and `search` by an engine whose time grows with the text alone (RFC 9485 asks for no more)."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012  as the library has it
    return_type = ExpressionType.LOGICAL

    def __init__(self, budget: Budget, *, is_whole: bool) -> None:
        self._budget, self._is_whole = budget, is_whole
        self._known: dict[str, Any] = {}

    def __call__(self, value: object, pattern: object) -> bool:
        """Say whether a text fits; a pattern that cannot be read fits nothing (RFC 9535 §2.4.6)."""
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        if pattern not in self._known:
            self._budget.spend(_PATTERN_STEPS)
            self._known[pattern] = self._read(pattern)
        self._budget.spend(1 + len(value) // 16)
        validator = self._known[pattern]
        return validator is not None and bool(validator.is_valid(value))

    def _read(self, pattern: str) -> Any:
        if len(pattern) > MAX_PATTERN_CHARACTERS:
            return None
        whole = f"^(?:{pattern})$" if self._is_whole else pattern
        options = jsonschema_rs.RegexOptions(size_limit=1024 * 1024)
        try:
            return jsonschema_rs.validator_for({"type": "string", "pattern": whole}, pattern_options=options)
        except ValueError:
            return None
