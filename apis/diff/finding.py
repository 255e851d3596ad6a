"""A finding of the diff, and the report that collects them on the walk through both documents."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from apis.design.json_types import Json, JsonObject, as_object, shorten
from apis.design.pointers import follow_references, join_pointer
from apis.diff.rules import RULES

# The gravest first.
LEVELS = ("breaking", "risky", "safe")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One change. Pointers (RFC 6901) are those of the old and the new document, "" where it has nothing there.

    `method` and `path` name the operation as the old document has it (the new one where it is new), "" for what
    concerns the whole document.
    """

    code: str
    level: str
    text: str
    old: str
    new: str
    method: str = ""
    path: str = ""

    @property
    def key(self) -> str:
        """Return what names this change in ticks and waivers: the same for the same change of the same place."""
        place = "\n".join((self.code, self.method, self.path, self.old, self.new, self.text))
        return hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(slots=True)
class Report:
    """The two documents and what was found so far."""

    old: JsonObject
    new: JsonObject
    # In the order they were found, each once.
    findings: dict[Finding, None] = field(default_factory=dict)
    _method: str = ""
    _path: str = ""
    # Pairs of schemas under comparison or done, by direction: recursive schemas end here.
    seen: set[tuple[int, int, str]] = field(default_factory=set)
    # Pairs that wait: (direction, old, new, where the old one stands, where the new one).
    pending: deque[tuple[str, Json, Json, Path, Path]] = field(default_factory=deque)

    @contextmanager
    def operation(self, method: str, path: str) -> Iterator[None]:
        """Let what is found meanwhile belong to an operation, each of which hears of a shared schema once."""
        self._method, self._path, self.seen = method.upper(), path, set()
        yield
        self._method = self._path = ""

    def add(self, code: str, old: Path | None, new: Path | None, /, **words: object) -> None:
        """Note a change under one of RULES; words fill its sentence."""
        level, text = RULES[code]
        shown = {name: value if isinstance(value, str) else shorten(value) for name, value in words.items()}
        finding = Finding(
            code,
            level,
            text.format(**shown),
            "" if old is None else join_pointer(old),
            "" if new is None else join_pointer(new),
            self._method,
            self._path,
        )
        self.findings.setdefault(finding)

    def old_object(self, value: Json) -> JsonObject:
        """Return an object of the old document with its references followed."""
        return as_object(follow_references(self.old, value))

    def new_object(self, value: Json) -> JsonObject:
        """Return an object of the new document with its references followed."""
        return as_object(follow_references(self.new, value))
