"""YAML text to a JSON tree, read from parser events so that depth, aliases and keys stay under control.

Scalars follow the core schema of YAML 1.2, as OpenAPI asks: `no` is a string and so is a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from apis.design.json_types import Json, JsonObject, shorten
from apis.design.pointers import join_pointer
from apis.design.problems import Finding, refuse

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Json] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_LONGEST_NUMBER = 40
# A merge (<<) copies keys; without a bound a list of merges of one large mapping is a bomb of its own.
_MAX_MERGED_KEYS = 200_000


@dataclass(slots=True)
class _Open:
    """A collection under construction."""

    value: list[Json] | JsonObject
    anchor: str | None
    key: str | None = None
    own_keys: set[str] | None = None
    merges: list[JsonObject] = field(default_factory=list)


class YamlTree:
    """Builds one tree from one YAML text; findings keep what was odd but readable."""

    def __init__(self, text: str, max_depth: int) -> None:
        self.text = text
        self.max_depth = max_depth
        self.has_aliases = False
        self.findings: list[Finding] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Json] = {}
        self._merged_keys = 0
        self._root: Json = None
        self._documents = 0

    def build(self) -> Json:
        """Return the tree; raises DesignError on bad syntax, depth, bombs and a second document."""
        try:
            for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):  # noqa: S506 - events only, nothing is built
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or "it cannot be read"
            line = mark.line + 1 if mark else None
            where = f" at line {line}, column {mark.column + 1}" if mark else ""
            raise refuse("yaml-syntax", f"Invalid YAML{where}: {problem}. Mend that line.", "", line) from error
        except yaml.YAMLError as error:
            raise refuse("yaml-syntax", f"Invalid YAML: {error}. Save the file as plain UTF-8 text.") from error
        return self._root

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._take_scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open({}, event)
        elif kind is yaml.SequenceStartEvent:
            self._open([], event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(event)
        elif kind is yaml.AliasEvent:
            self._take_alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                line = event.start_mark.line + 1
                raise refuse(
                    "yaml-many-documents", f"A second YAML document begins at line {line}. Keep one.", "", line
                )

    def _take_scalar(self, event: Any) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and top.own_keys is not None and top.key is None:
            if event.anchor:
                self._anchors[event.anchor] = event.value
            self._take_key(top, event.value, event)
            return
        plain = event.implicit[0]
        value: Json = read_plain(event.value) if plain else _read_tagged(event.value, event.tag)
        if event.anchor:
            self._anchors[event.anchor] = value
        self._place(value, event)

    def _take_key(self, top: _Open, key: str, event: Any) -> None:
        assert top.own_keys is not None
        if key in top.own_keys and not (key == "<<" and event.implicit[0]):
            line = event.start_mark.line + 1
            message = f"The key {shorten(key)} stands twice in one object, again at line {line}. Remove one of them."
            self.findings.append(Finding("duplicate-key", "error", message, join_pointer([*self._path(), key]), line))
        top.own_keys.add(key)
        top.key = key

    def _take_alias(self, event: Any) -> None:
        self.has_aliases = True
        line = event.start_mark.line + 1
        if event.anchor not in self._anchors:
            open_anchors = {entry.anchor for entry in self._stack}
            why = "contains itself" if event.anchor in open_anchors else "is defined nowhere above"
            message = (
                f"The YAML alias *{event.anchor} at line {line} {why}. Use $ref for recursion, or define the anchor."
            )
            raise refuse("yaml-alias", message, "", line)
        value = self._anchors[event.anchor]
        top = self._stack[-1] if self._stack else None
        if top is not None and top.own_keys is not None and top.key is None:
            if not isinstance(value, str):
                raise refuse("yaml-key", f"The key at line {line} is not a plain value. Write it out.", "", line)
            top.own_keys.add(value)
            top.key = value
            return
        self._place(value, event)

    def _open(self, value: list[Json] | JsonObject, event: Any) -> None:
        top = self._stack[-1] if self._stack else None
        line = event.start_mark.line + 1
        if top is not None and top.own_keys is not None and top.key is None:
            raise refuse("yaml-key", f"The key at line {line} is not a plain value. Write it as text.", "", line)
        if len(self._stack) >= self.max_depth:
            message = f"Line {line} is nested deeper than {self.max_depth} levels. Move inner schemas to components."
            raise refuse("document-too-deep", message, "", line)
        self._stack.append(_Open(value, event.anchor, own_keys=set() if isinstance(value, dict) else None))

    def _close(self, event: Any) -> None:
        done = self._stack.pop()
        if isinstance(done.value, dict) and done.merges:
            for merged in done.merges:
                done.value = merged | done.value
        if done.anchor:
            self._anchors[done.anchor] = done.value
        self._place(done.value, event)

    def _place(self, value: Json, event: Any) -> None:
        if not self._stack:
            self._root = value
            return
        top = self._stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            return
        key, top.key = top.key or "", None
        if key == "<<" and isinstance(value, dict | list):
            self._merge(top, value, event)
        else:
            top.value[key] = value

    def _merge(self, top: _Open, value: JsonObject | list[Json], event: Any) -> None:
        for source in [value] if isinstance(value, dict) else value:
            if not isinstance(source, dict):
                continue
            self._merged_keys += len(source)
            if self._merged_keys > _MAX_MERGED_KEYS:
                line = event.start_mark.line + 1
                raise refuse("yaml-alias-bomb", f"The merges up to line {line} copy too many keys. Use $ref.", "", line)
            top.merges.append(source)

    def _path(self) -> list[str | int]:
        path: list[str | int] = []
        for entry in self._stack[:-1]:
            path.append(len(entry.value) if isinstance(entry.value, list) else entry.key or "")
        return path


def read_plain(text: str) -> Json:
    """Return what an unquoted scalar stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        number = int(text)
        return number if -(2**63) <= number < 2**64 else float(number)
    if _FLOAT.fullmatch(text):
        decimal = float(text)
        return text if decimal in (float("inf"), float("-inf")) else decimal
    if text.startswith(("0x", "0o")):
        try:
            number = int(text, 0)
        except ValueError:
            return text
        return number if number < 2**64 else text
    return text


def _read_tagged(text: str, tag: str | None) -> Json:
    if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"):
        return read_plain(text)
    return text
