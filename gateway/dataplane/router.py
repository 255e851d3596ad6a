"""From a raw path to a version and one of its operations.

Matching works on the raw path: segments are split at `/` before anything is decoded, so `%2F` never splits, and only
escapes of unreserved characters (RFC 3986 §2.3) are decoded to compare. Dot segments, plain or escaped, are refused:
two readers of one path must not see two paths. What goes upstream is the raw remainder, byte for byte.

Cost: one dictionary lookup per segment of the base path, one per segment of the operation. Nothing grows with the
number of routes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

from gateway.dataplane.errors import (
    BadRequest,
    Header,
    MethodNotAllowed,
    OperationUnknown,
    RouteNotFound,
    VersionUnknown,
)
from gateway.dataplane.records import OperationRecord, RouteRecord

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
HEX = frozenset("0123456789abcdefABCDEF")
# `\` is read as `/` by WHATWG URL parsers, `#` ends the path: neither may stand raw in a path (RFC 3986 §3.3).
FORBIDDEN = frozenset('\\#"<>^`{|} ')


@dataclass(slots=True)
class Node:
    """One level of a version's path templates: fixed segments first, then mixed (`{id}.json`), then the parameter."""

    literals: dict[str, Node] = field(default_factory=dict)
    mixed: dict[tuple[str, ...], Node] = field(default_factory=dict)
    parameter: Node | None = None
    operations: dict[str, OperationRecord] = field(default_factory=dict)


@dataclass(slots=True)
class Route:
    """A version ready to be matched, with the headers that its state puts on every response."""

    record: RouteRecord
    root: Node
    state_headers: list[Header]


def compile_route(record: RouteRecord) -> Route:
    """Build the path templates and the headers of a version, once per change."""
    root = Node()
    for operation in record.operations:
        node = root
        for segment in _template_segments(operation.path):
            if segment.startswith("{") and segment.endswith("}"):
                node.parameter = node.parameter or Node()
                node = node.parameter
            elif "{" in segment:
                node = node.mixed.setdefault(_literal_parts(segment), Node())
            else:
                node = node.literals.setdefault(_canonical(segment), Node())
        node.operations[operation.method.upper()] = operation
    return Route(record, root, _state_headers(record))


def _template_segments(path: str) -> list[str]:
    return path[1:].split("/") if len(path) > 1 else []


def _literal_parts(segment: str) -> tuple[str, ...]:
    """Return what stands round the parameters of a mixed segment: `{a}-{b}.json` gives `("", "-", ".json")`."""
    head, *rest = segment.split("{")
    return (_canonical(head), *(_canonical(part.partition("}")[2]) for part in rest))


def _fits(parts: tuple[str, ...], segment: str) -> bool:
    """Say whether a segment has these literal parts in order, with at least one character for each parameter."""
    if not segment.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = segment.find(part, at + 1)
        if at < 0:
            return False
        at += len(part)
    return segment.endswith(parts[-1]) and len(segment) - len(parts[-1]) > at


def _state_headers(record: RouteRecord) -> list[Header]:
    headers: list[Header] = []
    if record.state not in ("deprecated", "retired"):
        return headers
    if record.deprecated_at is not None:
        # RFC 9745 §2.1: a Structured Field Date.
        headers.append((b"deprecation", b"@%d" % int(record.deprecated_at)))
    if record.sunset_at is not None:
        # RFC 8594 §3: an HTTP-date.
        headers.append((b"sunset", formatdate(record.sunset_at, usegmt=True).encode()))
    links = []
    if record.docs_url:
        links.append(f'<{record.docs_url}>; rel="deprecation"; type="text/html"')
    if record.successor_path:
        links.append(f'<{record.successor_path}>; rel="successor-version"')
    if links:
        headers.append((b"link", _field_value(", ".join(links))))
    return headers


def _field_value(text: str) -> bytes:
    """Return text as a field value: a line break in it would begin a header of its own."""
    return "".join(char if char.isprintable() else "?" for char in text).encode("ascii", "replace")


class Router:
    """All versions by base path, then version."""

    def __init__(self) -> None:
        self.by_key: dict[str, Route] = {}
        self._by_base: dict[tuple[str, ...], dict[str, str]] = {}

    def put(self, key: str, route: Route) -> None:
        """Add or replace a version; raise ValueError when another one holds its address."""
        base, version = _base_segments(route.record.base_path), route.record.version
        holder = self._by_base.get(base, {}).get(version)
        if holder is not None and holder != key:
            raise ValueError(f"route: {route.record.base_path}/{version} is held by {holder}")
        self.remove(key)
        self._by_base.setdefault(base, {})[version] = key
        self.by_key[key] = route

    def remove(self, key: str) -> None:
        """Forget a version, if it was there."""
        old = self.by_key.pop(key, None)
        if old is None:
            return
        base = _base_segments(old.record.base_path)
        versions = self._by_base.get(base, {})
        if versions.get(old.record.version) == key:
            del versions[old.record.version]
            if not versions:
                del self._by_base[base]

    def find(self, raw_path: str) -> tuple[Route, str, list[str]]:
        """Return the route, the raw remainder and its canonical segments; raise BadRequest or a 404."""
        raw = raw_path[1:].split("/")
        segments = [segment if "%" not in segment and "." not in segment else _canonical(segment) for segment in raw]
        _check(raw_path, segments)
        prefix = tuple(segments)
        missing: tuple[int, dict[str, str]] | None = None
        for depth in range(min(len(segments), MAX_BASE_DEPTH), -1, -1):
            versions = self._by_base.get(prefix[:depth])
            if versions is None:
                continue
            key = versions.get(segments[depth]) if depth < len(segments) else None
            if key is not None:
                break
            # The empty base path is every path's prefix: it says nothing about which API was meant.
            missing = missing or ((depth, versions) if depth else None)
        else:
            raise self._not_found(raw_path, segments, missing)
        rest = segments[depth + 1 :]
        remainder = "/" + "/".join(raw[depth + 1 :]) if rest else ""
        # `/orders/v1` and `/orders/v1/` are the version's root alike.
        return self.by_key[key], remainder, [] if rest == [""] else rest

    def _not_found(
        self, raw_path: str, segments: list[str], missing: tuple[int, dict[str, str]] | None
    ) -> RouteNotFound:
        if missing is None:
            return RouteNotFound(f"No API answers at {raw_path[:200]}.")
        depth, versions = missing
        version = segments[depth] if depth < len(segments) else ""
        known = sorted(v for v, k in versions.items() if self.by_key[k].record.visibility == "everyone")
        there = f"; it has {', '.join(known)}" if known else ""
        base = "/".join(segments[:depth])
        return VersionUnknown(f"The API at /{base} has no version {version[:60]!r}{there}.")


# A base path is proposed as /{team}/{api}; eight segments leave room and bound the work of a hostile path.
MAX_BASE_DEPTH = 8


def _base_segments(base_path: str) -> tuple[str, ...]:
    return tuple(_canonical(segment) for segment in base_path.strip("/").split("/")) if base_path.strip("/") else ()


def _check(raw_path: str, segments: list[str]) -> None:
    if not raw_path.startswith("/") or not raw_path.isascii() or not FORBIDDEN.isdisjoint(raw_path):
        raise BadRequest("The path holds a character that must be percent-encoded.")
    if "." in segments or ".." in segments:
        raise BadRequest("The path holds a dot segment; send the path it leads to.")


def _canonical(segment: str) -> str:
    """Decode escapes of unreserved characters, write the others in upper case (RFC 3986 §6.2.2)."""
    if "%" not in segment:
        return segment
    head, *parts = segment.split("%")
    out = [head]
    for part in parts:
        if len(part) < 2 or part[0] not in HEX or part[1] not in HEX:
            raise BadRequest("The path holds a % that is not followed by two hexadecimal digits.")
        char = chr(int(part[:2], 16))
        out.append(char + part[2:] if char in UNRESERVED else f"%{part[:2].upper()}{part[2:]}")
    return "".join(out)


def find_operation(route: Route, method: str, segments: list[str], raw_path: str) -> OperationRecord | None:
    """Return the operation; HEAD falls back to GET. None for an OPTIONS that the version answers itself.

    Raises OperationUnknown, or MethodNotAllowed with `Allow`.
    """
    found = _walk(route.root, segments, 0, method)
    if found is not None:
        return found
    allowed = allowed_methods(route, segments)
    if not allowed:
        raise OperationUnknown(f"{route.record.api_name} {route.record.version} has no operation at {raw_path[:200]}.")
    if method == "OPTIONS":
        return None
    allow = ", ".join(allowed)
    raise MethodNotAllowed(f"{method} is not offered here; {allow} is.", headers=[(b"allow", allow.encode())])


def allowed_methods(route: Route, segments: list[str]) -> list[str]:
    """Return the methods of a path, sorted; empty when no operation has it."""
    methods: set[str] = set()
    _collect(route.root, segments, 0, methods)
    if not methods:
        return []
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods | {"OPTIONS"})


def _children(node: Node, segment: str) -> Iterator[Node]:
    child = node.literals.get(segment)
    if child is not None:
        yield child
    for parts, mixed in node.mixed.items():
        if _fits(parts, segment):
            yield mixed
    if node.parameter is not None and segment:
        yield node.parameter


def _walk(node: Node, segments: list[str], index: int, method: str) -> OperationRecord | None:
    if index == len(segments):
        operations = node.operations
        return operations.get(method) or (operations.get("GET") if method == "HEAD" else None)
    for child in _children(node, segments[index]):
        found = _walk(child, segments, index + 1, method)
        if found is not None:
            return found
    return None


def _collect(node: Node, segments: list[str], index: int, methods: set[str]) -> None:
    if index == len(segments):
        methods.update(node.operations)
        return
    for child in _children(node, segments[index]):
        _collect(child, segments, index + 1, methods)
