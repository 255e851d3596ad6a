"""From a raw path to a version and one of its operations.

Matching works on the raw path: segments are split at `/` before anything is decoded, so `%2F` never splits, and only
escapes of unreserved characters (RFC 3986 §2.3) are decoded to compare. Dot segments, plain or escaped, are refused:
two readers of one path must not see two paths. What goes upstream is the raw remainder, byte for byte.

Cost: one dictionary lookup per segment of the base path, one per segment of the operation. Nothing grows with the
number of routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate

import orjson

from gateway.dataplane.alternates import PRODUCTION, Canary
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


class Route:
    """A version ready to be matched, with the headers that its state puts on every response.

    Its operations are kept as they came, packed, until the first call: of ten thousand versions a worker serves few.
    """

    __slots__ = ("_packed", "_root", "canary", "key", "record", "state_headers")

    def __init__(self, record: RouteRecord) -> None:
        self._packed = orjson.dumps([[o.operation_id, o.method, o.path, o.is_deprecated] for o in record.operations])
        self._root: Node | None = None
        self.record = replace(record, operations=())
        self.state_headers = _state_headers(record)
        # Under which its upstream is found; set by who puts it into a router.
        self.key = record.version_id
        self.canary = Canary(record) if record.alternate == "canary" else None

    @property
    def root(self) -> Node:
        """Return the path templates."""
        if self._root is None:
            self._root = _templates(OperationRecord(*fields) for fields in orjson.loads(self._packed))
        return self._root


def _templates(operations: Iterable[OperationRecord]) -> Node:
    root = Node()
    for operation in operations:
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
    return root


def compile_route(record: RouteRecord) -> Route:
    """Return a version's route, once per change; raise BadRequest for a template that cannot be read."""
    for operation in record.operations:
        for segment in _template_segments(operation.path):
            _canonical(segment)
    return Route(record)


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
    if record.version_in == "header":
        # RFC 9110 §12.5.5: what was chosen by a field must not be cached for another value of it.
        headers.append((b"vary", record.version_name.encode()))
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


@dataclass(slots=True)
class Selector:
    """The versions under a base path that a header or query parameter chooses from, by name."""

    place: str
    name: str
    versions: dict[str, str] = field(default_factory=dict)
    default: str = ""

    def choose(self, headers: list[Header], query: bytes) -> tuple[str | None, str]:
        """Return the key of the chosen version (None when there is none) and what was asked for."""
        asked = _header(headers, self.name.lower().encode()) if self.place == "header" else _parameter(query, self.name)
        if asked is None:
            return self.versions.get(self.default), ""
        return self.versions.get(asked), asked


def _header(headers: list[Header], name: bytes) -> str | None:
    return next((value.decode("latin-1").strip() for key, value in headers if key == name), None)


def _parameter(query: bytes, name: str) -> str | None:
    for part in query.decode("latin-1").split("&"):
        key, _, value = part.partition("=")
        if key == name:
            return value
    return None


class Router:
    """All versions by base path, then version: as the path's next segment, or by a selector beside it."""

    def __init__(self) -> None:
        self.by_key: dict[str, Route] = {}
        # By the key of a version, then by name: what is served beside its current revision.
        self.alternates: dict[str, dict[str, Route]] = {}
        # By base path, then key: what is deployed in another environment, whether production has the version or not.
        self._elsewhere: dict[tuple[str, ...], dict[str, Route]] = {}
        self._by_base: dict[tuple[str, ...], dict[str, str]] = {}
        self._selectors: dict[tuple[str, ...], Selector] = {}

    def put(self, key: str, route: Route) -> None:
        """Add or replace a version; raise ValueError when another one holds its address."""
        route.key = key
        if route.record.beside:
            self._put_beside(key, route)
            return
        base, version = _base_segments(route.record.base_path), route.record.version
        if route.record.version_in != "path":
            self.remove(key)
            self._select(base, key, route)
            return
        holder = self._by_base.get(base, {}).get(version)
        if holder is not None and holder != key:
            raise ValueError(f"route: {route.record.base_path}/{version} is held by {holder}")
        self.remove(key)
        self._by_base.setdefault(base, {})[version] = key
        self.by_key[key] = route

    def _put_beside(self, key: str, route: Route) -> None:
        old = self.by_key.get(key)
        if old is not None and old.canary is not None and old.record == route.record:
            # Nothing about the trial changed: what was counted of it goes on.
            route.canary = old.canary
        self.remove(key)
        self.alternates.setdefault(route.record.beside, {})[route.record.alternate] = route
        if route.record.environment != PRODUCTION:
            self._elsewhere.setdefault(_base_segments(route.record.base_path), {})[key] = route
        self.by_key[key] = route

    def _select(self, base: tuple[str, ...], key: str, route: Route) -> None:
        record = route.record
        selector = self._selectors.get(base)
        if selector is None:
            selector = self._selectors[base] = Selector(record.version_in, record.version_name)
        elif (selector.place, selector.name) != (record.version_in, record.version_name):
            raise ValueError(f"route: {record.base_path} names its versions by {selector.place} {selector.name}")
        if selector.versions.get(record.version, key) != key:
            raise ValueError(
                f"route: {record.base_path} {record.version} is held by {selector.versions[record.version]}"
            )
        selector.versions[record.version] = key
        if record.is_default:
            selector.default = record.version
        self.by_key[key] = route

    def remove(self, key: str) -> None:
        """Forget a version, if it was there."""
        old = self.by_key.pop(key, None)
        if old is None:
            return
        if old.record.beside:
            names = self.alternates.get(old.record.beside, {})
            names.pop(old.record.alternate, None)
            if not names:
                self.alternates.pop(old.record.beside, None)
            self._forget_elsewhere(key, old)
            return
        base = _base_segments(old.record.base_path)
        selector = self._selectors.get(base)
        if selector is not None and selector.versions.get(old.record.version) == key:
            del selector.versions[old.record.version]
            if selector.default == old.record.version:
                selector.default = ""
            if not selector.versions:
                del self._selectors[base]
        versions = self._by_base.get(base, {})
        if versions.get(old.record.version) == key:
            del versions[old.record.version]
            if not versions:
                del self._by_base[base]

    def _forget_elsewhere(self, key: str, old: Route) -> None:
        base = _base_segments(old.record.base_path)
        held = self._elsewhere.get(base, {})
        held.pop(key, None)
        if not held:
            self._elsewhere.pop(base, None)

    def find(self, raw_path: str, headers: Sequence[Header] = (), query: bytes = b"") -> tuple[Route, str, list[str]]:
        """Return the route, the raw remainder and its canonical segments; raise BadRequest or a 404.

        Headers and query are looked at only where an API's versions are chosen by one of them.
        """
        raw = raw_path[1:].split("/")
        segments = [segment if "%" not in segment and "." not in segment else _canonical(segment) for segment in raw]
        _check(raw_path, segments)
        prefix = tuple(segments)
        missing: tuple[int, dict[str, str]] | None = None
        for depth in range(min(len(segments), MAX_BASE_DEPTH), -1, -1):
            versions = self._by_base.get(prefix[:depth])
            selector = self._selectors.get(prefix[:depth]) if self._selectors else None
            is_named = versions is not None and depth < len(segments) and segments[depth] in versions
            if selector is not None and not is_named:
                return self._selected(selector, raw, segments, depth, headers, query)
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

    def find_elsewhere(
        self, raw_path: str, headers: Sequence[Header], query: bytes
    ) -> Iterator[tuple[Route, str, list[str]]]:
        """Yield what other environments have at a path, as `find` returns it: for paths that `find` does not know."""
        raw = raw_path[1:].split("/")
        segments = [_canonical(segment) for segment in raw]
        for depth in range(min(len(segments), MAX_BASE_DEPTH), -1, -1):
            for route in self._elsewhere.get(tuple(segments[:depth]), {}).values():
                start = _version_end(route.record, segments, depth, headers, query)
                if start is not None:
                    rest = segments[start:]
                    yield route, "/" + "/".join(raw[start:]) if rest else "", [] if rest == [""] else rest

    def _selected(
        self,
        selector: Selector,
        raw: list[str],
        segments: list[str],
        depth: int,
        headers: Sequence[Header],
        query: bytes,
    ) -> tuple[Route, str, list[str]]:
        key, asked = selector.choose(list(headers), query)
        if key is None:
            raise self._unknown(
                segments, depth, selector.versions, asked, f" Name one in {selector.place} {selector.name}."
            )
        rest = segments[depth:]
        remainder = "/" + "/".join(raw[depth:]) if rest else ""
        return self.by_key[key], remainder, [] if rest == [""] else rest

    def _not_found(
        self, raw_path: str, segments: list[str], missing: tuple[int, dict[str, str]] | None
    ) -> RouteNotFound:
        if missing is None:
            return RouteNotFound(f"No API answers at {raw_path[:200]}.")
        depth, versions = missing
        return self._unknown(segments, depth, versions, segments[depth] if depth < len(segments) else "")

    def _unknown(
        self, segments: list[str], depth: int, versions: dict[str, str], asked: str, hint: str = ""
    ) -> VersionUnknown:
        known = sorted(v for v, k in versions.items() if self.by_key[k].record.visibility == "everyone")
        there = f"; it has {', '.join(known)}" if known else ""
        base = "/".join(segments[:depth])
        return VersionUnknown(f"The API at /{base} has no version {asked[:60]!r}{there}.{hint}")


def _version_end(
    record: RouteRecord, segments: list[str], depth: int, headers: Sequence[Header], query: bytes
) -> int | None:
    """Return where the operation's path begins behind a base path of that depth; None for another version."""
    if record.version_in == "path":
        return depth + 1 if segments[depth : depth + 1] == [record.version] else None
    names = {record.version: record.version}
    selector = Selector(record.version_in, record.version_name, names, record.version if record.is_default else "")
    return depth if selector.choose(list(headers), query)[0] else None


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
