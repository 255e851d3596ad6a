"""Text to a JSON tree: JSON or YAML, bounded in size, depth and number of values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from apis.design.json_types import Json, JsonObject, shorten
from apis.design.pointers import join_pointer
from apis.design.problems import DesignError, Finding, refuse
from apis.design.yaml_tree import YamlTree

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 100
MAX_VALUES = 8_000_000

Format = Literal["json", "yaml"]


@dataclass(frozen=True, slots=True)
class LoadedTree:
    """A tree and how it was written."""

    tree: Json
    format: Format
    findings: tuple[Finding, ...]


def load_tree(data: bytes | str, media_type: str | None = None) -> LoadedTree:
    """Read JSON or YAML; the first character decides, the media type only where it leaves a doubt.

    Raises DesignError: document-too-large, document-empty, document-encoding, document-not-api,
    json-syntax, yaml-syntax, yaml-alias, yaml-alias-bomb, document-too-deep, document-too-complex.
    """
    text = _decode(data)
    start = text.lstrip()[:64].lower()
    if not start:
        raise refuse("document-empty", "The document is empty. Paste or upload an OpenAPI document.")
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise refuse("document-not-api", "This is a web page, not an OpenAPI document. Use the address of the file.")
    if not start.startswith(("{", "[")):
        return _load_yaml(text)
    try:
        return _load_json(text)
    except DesignError as error:
        if error.code == "json-syntax" and media_type and "yaml" in media_type.lower():
            return _load_yaml(text)
        raise


def _decode(data: bytes | str) -> str:
    size = len(data)
    if isinstance(data, str) and size * 4 > MAX_DOCUMENT_BYTES:
        size = len(data.encode("utf-8", "surrogatepass"))
    if size > MAX_DOCUMENT_BYTES:
        limit = MAX_DOCUMENT_BYTES // 1024**2
        message = f"The document has {size / 1024**2:.1f} MB; at most {limit} MB can be imported. Split it into APIs."
        raise refuse("document-too-large", message)
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"The document is not UTF-8 text (byte {error.start}). Save it as UTF-8 and try again."
        raise refuse("document-encoding", message) from error


def _load_json(text: str) -> LoadedTree:
    duplicates: dict[int, tuple[JsonObject, str]] = {}

    def collect(pairs: list[tuple[str, Json]]) -> JsonObject:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            duplicates[id(made)] = (made, twice)
        return made

    try:
        tree: Json = json.loads(
            text,
            object_pairs_hook=collect,
            parse_constant=_refuse_constant,
            parse_int=_read_int,
            parse_float=_read_float,
        )
    except json.JSONDecodeError as error:
        message = f"Invalid JSON at line {error.lineno}, column {error.colno}: {error.msg}. Mend that place."
        raise refuse("json-syntax", message, "", error.lineno) from error
    except RecursionError as error:
        raise _too_deep("") from error
    found = _check_tree(tree, {key: twice for key, (_, twice) in duplicates.items()}, has_aliases=False)
    return LoadedTree(tree, "json", tuple(found))


def _read_int(text: str) -> Json:
    number = int(text) if len(text) <= 20 else _read_float(text)
    # Beyond 64 bits JSON readers disagree (RFC 8259 §6); all of them read a double.
    return number if -(2**63) <= number < 2**64 else float(number)


def _read_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise refuse("json-syntax", f"The number {shorten(text)} is too large. Write it as a string or shorten it.")
    return number


def _refuse_constant(name: str) -> Json:
    raise refuse("json-syntax", f"{name} is not a JSON number. Remove it or write null.")


def _load_yaml(text: str) -> LoadedTree:
    builder = YamlTree(text, MAX_DEPTH)
    tree = builder.build()
    findings = [*builder.findings, *_check_tree(tree, {}, has_aliases=builder.has_aliases)]
    return LoadedTree(tree, "yaml", tuple(findings))


def _too_deep(pointer: str) -> DesignError:
    message = f"The document is nested deeper than {MAX_DEPTH} levels. Move inner schemas to components."
    return refuse("document-too-deep", message, pointer)


def _check_tree(tree: Json, duplicates: dict[int, str], *, has_aliases: bool) -> list[Finding]:
    """Count values and depth, refuse text no database stores, and find the pointers of duplicate keys."""
    findings: list[Finding] = []
    # Depth-first over (value, parent link): a pointer is only written for what is reported.
    stack: list[tuple[Json, _Step | None]] = [(tree, None)]
    count = 0
    while stack:
        value, step = stack.pop()
        count += 1
        if isinstance(value, str):
            _check_text(value, step)
        elif isinstance(value, dict | list):
            depth = step[2] + 1 if step else 1
            if depth > MAX_DEPTH:
                raise _too_deep(_pointer(step))
            count += len(value)
            if count > MAX_VALUES:
                raise _too_many(has_aliases)
            if duplicates and id(value) in duplicates:
                findings.append(_duplicate(duplicates[id(value)], step))
            if isinstance(value, dict):
                for key, inner in value.items():
                    _check_text(key, step)
                    if isinstance(inner, str | dict | list):
                        stack.append((inner, (step, key, depth)))
            else:
                stack.extend((v, (step, i, depth)) for i, v in enumerate(value) if isinstance(v, str | dict | list))
    return findings


_Step = tuple["_Step | None", str | int, int]


def _check_text(text: str, step: _Step | None) -> None:
    if text.isascii():
        is_bad = "\x00" in text
    else:
        try:
            text.encode()
            is_bad = "\x00" in text
        except UnicodeEncodeError:
            is_bad = True
    if is_bad:
        message = (
            f"The text {shorten(text.encode('ascii', 'replace').decode())} holds a character that cannot be stored."
        )
        raise refuse("document-encoding", f"{message} Remove NUL characters and half surrogates.", _pointer(step))


def _too_many(has_aliases: bool) -> DesignError:
    if has_aliases:
        message = "The YAML aliases expand to millions of values. Replace them by $ref to components."
        return refuse("yaml-alias-bomb", message)
    return refuse(
        "document-too-complex", f"The document has more than {MAX_VALUES} values. Split it into several APIs."
    )


def _duplicate(key: str, step: _Step | None) -> Finding:
    message = f"The key {shorten(key)} stands twice in one object; only the last would count. Remove one of them."
    return Finding("duplicate-key", "error", message, _pointer(step) + join_pointer([key]))


def _pointer(step: _Step | None) -> str:
    parts: list[str | int] = []
    while step is not None:
        parts.append(step[1])
        step = step[0]
    return join_pointer(reversed(parts))
