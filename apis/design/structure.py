"""The shape of a document against the published meta-schema of its version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import islice
from typing import Any

import jsonschema_rs

from apis.design.json_types import Json, JsonObject, shorten
from apis.design.pointers import UnresolvedPointer, join_pointer, resolve_parts
from apis.design.problems import Finding

_Path = list[str | int]
_Kind = jsonschema_rs.ValidationErrorKind

# A document of another kind fails in every place; its first errors tell enough.
_MAX_ERRORS = 500
_SUBJECT = "this value"
# Keys that choose between the alternatives of a parameter, header or security scheme.
_CHOOSERS = {"in", "type", "flow", "scheme"}


def check_structure(source: JsonObject, version: str) -> list[Finding]:
    """Compare the source with the meta-schema of its own version (2.0, 3.0, 3.1, 3.2)."""
    validator = _validator(version[:3])
    if validator.is_valid(source):
        return []
    errors = list(islice(_leaves(validator.iter_errors(source), source), _MAX_ERRORS))
    ancestors = {path[:end] for path, kind, _ in errors if not _is_unevaluated(kind) for end in range(len(path))}
    findings: dict[tuple[str, str], Finding] = {}
    for path, kind, text in errors:
        # A broken child leaves its parents unevaluated: that would blame keys which are right.
        if _is_unevaluated(kind) and path in ancestors:
            continue
        # Paths have a check of their own, with better words.
        if path == ("paths",) and isinstance(kind, _Kind.AdditionalProperties | _Kind.UnevaluatedProperties):
            continue
        pointer = join_pointer(path)
        value = _value_at(source, path)
        message = _describe_place(value, version) if _is_place(path) else _describe(kind, text, value)
        findings.setdefault((pointer, message), Finding("structure", "error", message, pointer))
    return list(findings.values())


def has_structure(document: JsonObject, version: str) -> bool:
    """Say whether the document passes the meta-schema of a version."""
    return bool(_validator(version[:3]).is_valid(document))


def _is_place(path: tuple[str | int, ...]) -> bool:
    """Say whether the path is that of a parameter's `in`, whose choice no single alternative can explain."""
    return len(path) > 2 and path[-1] == "in" and "parameters" in (path[-2], path[-3])


def _describe_place(value: Json, version: str) -> str:
    places = "path, query, header, body or formData" if version == "2.0" else "path, query, header or cookie"
    return f"{_capital(shorten(value))} is no place for a parameter. Use {places}."


def _is_unevaluated(kind: _Kind) -> bool:
    return isinstance(kind, _Kind.UnevaluatedProperties | _Kind.UnevaluatedItems)


def _leaves(
    errors: Iterable[jsonschema_rs.ValidationError], source: JsonObject
) -> Iterator[tuple[tuple[str | int, ...], _Kind, str]]:
    """Yield the errors that matter: for a failed choice those of the alternative that was meant."""
    for error in errors:
        kind = error.kind
        if isinstance(kind, _Kind.AnyOf | _Kind.OneOfNotValid) and kind.context:
            path = list(error.instance_path)
            branch = max(kind.context, key=lambda branch: _score(branch, path))
            if branch and not _is_type_choice(kind.context, path):
                yield from _leaves(branch, source)
                continue
        yield tuple(error.instance_path), kind, error.message


def _is_type_choice(context: list[list[jsonschema_rs.ValidationError]], path: _Path) -> bool:
    """Say whether all alternatives fail at the value itself for its kind: then all of them are worth naming."""
    return all(
        branch and all(e.instance_path == path and isinstance(e.kind, _Kind.Type | _Kind.Enum) for e in branch)
        for branch in context
    )


def _score(branch: list[jsonschema_rs.ValidationError], path: _Path) -> tuple[bool, int, int, int]:
    is_reference = any(isinstance(e.kind, _Kind.Required) and e.kind.property == "$ref" for e in branch)
    depth = max((len(e.instance_path) for e in branch), default=0)
    return (not is_reference, -_missed_choosers(branch, path), depth, -len(branch))


def _missed_choosers(branch: list[jsonschema_rs.ValidationError], path: _Path) -> int:
    return sum(
        isinstance(e.kind, _Kind.Enum | _Kind.Constant)
        and len(e.instance_path) == len(path) + 1
        and e.instance_path[-1] in _CHOOSERS
        for e in branch
    )


def _describe(kind: _Kind, text: str, value: Json) -> str:
    match kind:
        case _Kind.Required(name):
            return f"{shorten(name)} is missing. Add it."
        case _Kind.Type(types):
            return f"{_capital(shorten(value))} stands where {_or(types)} belongs. Write {_or(types)}."
        case _Kind.AdditionalProperties(names) | _Kind.UnevaluatedProperties(names):
            listed = ", ".join(shorten(name) for name in sorted(names)[:5])
            return f"{listed}: not a field that stands here. Correct the name, or begin it with x-."
        case _Kind.Enum(options):
            allowed = ", ".join(shorten(option) for option in options[:12])
            return f"{_capital(shorten(value))} is not one of {allowed}. Use one of these."
        case _Kind.Constant(expected):
            return f"{_capital(shorten(value))} must be {shorten(expected)} here. Change it."
        case _Kind.Pattern(pattern):
            return f"{_capital(shorten(value))} does not have the form {pattern}. Correct it."
        case _Kind.AnyOf(context) | _Kind.OneOfNotValid(context):
            return f"{_capital(shorten(value))} fits none of what may stand here: {_alternatives(context)}."
        case _Kind.OneOfMultipleValid():
            return "Two fields stand here that exclude each other. Keep one of them."
        case _Kind.Not():
            return "Fields stand here that exclude each other. Keep one of them."
        case _Kind.FalseSchema():
            return f"{_capital(shorten(value))} may not stand here. Remove it."
    return f"{_capital(text)}. Correct it."


def _alternatives(context: list[list[jsonschema_rs.ValidationError]]) -> str:
    words: list[str] = []
    for error in (error for branch in context for error in branch):
        if isinstance(error.kind, _Kind.Type):
            words.append(_or(error.kind.types))
        elif isinstance(error.kind, _Kind.Enum):
            words.append(", ".join(shorten(option) for option in error.kind.options[:12]))
        else:
            words.append(error.message)
    return " or ".join(dict.fromkeys(words))


def _or(types: list[str]) -> str:
    return " or ".join(("an " if kind[0] in "aeiou" else "a ") + kind for kind in types)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _value_at(source: JsonObject, path: Iterable[str | int]) -> Json:
    try:
        return resolve_parts(source, [str(part) for part in path])
    except UnresolvedPointer:
        return None


@cache
def _validator(version: str) -> jsonschema_rs.Validator:
    options: dict[str, Any] = {"mask": _SUBJECT, "validate_formats": False, "offline": True}
    meta = _read("openapi_spec_validator.resources.schemas", f"v{version}", "schema.json")
    if version in ("2.0", "3.0"):
        return jsonschema_rs.Draft4Validator(meta, **options)
    # The 3.1 meta-schema leaves Schema Objects to whoever claims its dynamic anchor.
    dialect, vocabulary = _dialect(version)
    known = [(str(schema["$id"]), schema) for schema in (meta, dialect, vocabulary)]
    wrapper = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gatehouse:openapi:{version}",
        "$ref": meta["$id"],
        "$defs": {"schema": {"$dynamicAnchor": "meta", "$ref": dialect["$id"]}},
    }
    return jsonschema_rs.Draft202012Validator(wrapper, registry=jsonschema_rs.Registry(known), **options)


def _dialect(version: str) -> tuple[dict[str, Any], dict[str, Any]]:
    package = "openapi_schema_validator.schemas"
    if version == "3.1":
        return _read(package, "oas3.1", "metaschema.json"), _read(package, "oas3.1", "vocabularies", "base")
    folder = resources.files(package) / "oas3.2"
    return _read_newest(folder / "dialect"), _read_newest(folder / "meta")


def _read_newest(folder: Traversable) -> dict[str, Any]:
    """Read the newest of the dated files in a folder of a package."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    loaded: dict[str, Any] = json.loads((folder / names[-1]).read_text("utf-8"))
    return loaded


def _read(package: str, *parts: str) -> dict[str, Any]:
    file = resources.files(package)
    for part in parts:
        file = file / part
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded
