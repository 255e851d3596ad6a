"""The format's JSON Schema, and manifests held against it: every wrong value named with its place. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from apis.design.pointers import join_pointer
from manifests.manifest import API_VERSION, Manifest, Problem

TEXT: dict[str, Any] = {"type": "string"}
WORDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
TRUTH: dict[str, Any] = {"type": "boolean"}
MOMENT: dict[str, Any] = {"type": "string", "description": "A day or a moment: 2027-03-01 or 2027-03-01T12:00:00Z."}
# A secret is written as the name of a variable that the command line reads, or kept as it is.
FROM_ENV: dict[str, Any] = {
    "type": "object",
    "properties": {"from_env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
    "required": ["from_env"],
    "additionalProperties": False,
}
KEPT: dict[str, Any] = {
    "type": "object",
    "properties": {"kept": {"const": True}},
    "required": ["kept"],
    "additionalProperties": False,
}


def whole_number(least: int = 0, most: int | None = None) -> dict[str, Any]:
    """Return the schema of a whole number within bounds."""
    return {"type": "integer", "minimum": least, **({} if most is None else {"maximum": most})}


def one_of(*values: str) -> dict[str, Any]:
    """Return the schema of a choice."""
    return {"enum": list(values)}


def kind_schema(
    identity: Iterable[str], optional: Iterable[str], properties: Mapping[str, Any], required: Iterable[str]
) -> dict[str, Any]:
    """Return the schema of one kind's metadata and spec."""
    names = [*identity]
    return {
        "type": "object",
        "properties": {
            "metadata": {
                "type": "object",
                "properties": {name: {"type": "string", "minLength": 1} for name in (*names, *optional)},
                "required": names,
                "additionalProperties": False,
            },
            "spec": {
                "type": "object",
                "properties": dict(properties),
                "required": [*required],
                "additionalProperties": False,
            },
        },
        "required": ["metadata"],
    }


def whole_schema(kinds: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of one document of any kind, as editors use it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A manifest of Gatehouse",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"enum": [*kinds]},
            "metadata": {"type": "object"},
            "spec": {"type": "object"},
        },
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": False,
        "allOf": [{"if": {"properties": {"kind": {"const": name}}}, "then": schema} for name, schema in kinds.items()],
    }


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema))


def find_problems(manifest: Manifest, schemas: Mapping[str, dict[str, Any]]) -> list[Problem]:
    """Return what is wrong with a manifest by its kind's schema."""
    schema = schemas.get(manifest.kind)
    if schema is None:
        said = f"There is no kind {manifest.kind!r}" if manifest.kind else "kind is missing"
        return [manifest.problem(f"{said}.{_nearest(manifest.kind, schemas)}", "/kind")]
    value = {"metadata": manifest.metadata, "spec": manifest.spec}
    return [
        problem
        for error in _validator(json.dumps(schema)).iter_errors(value)
        for problem in _problems(manifest, error, schema)
    ]


def _problems(manifest: Manifest, error: Any, schema: Mapping[str, Any]) -> list[Problem]:
    path = list(error.instance_path)
    pointer = join_pointer(path)
    if error.kind.name == "additionalProperties":
        known = _known(schema, path)
        where = str(path[-1]) if path else "manifest"
        return [
            manifest.problem(f"{name!r} is not a field of {where}.{_nearest(name, known)}", f"{pointer}/{name}")
            for name in error.kind.unexpected
        ]
    if error.kind.name == "required":
        return [manifest.problem(f"{'/'.join(map(str, path))} needs {error.kind.property!r}.", pointer)]
    name = path[-1] if path else "The manifest"
    if error.kind.name == "enum":
        # An item of a list is called after the list.
        name = next(part for part in reversed(path) if isinstance(part, str))
        near = _nearest(str(error.instance), map(str, error.kind.options))
        return [manifest.problem(f"{name}: {_show(error.instance)} is not one of its values.{near}", pointer)]
    if error.kind.name == "oneOf":
        return [
            manifest.problem(f"{name} is {_show(error.instance)}, which is none of the forms it may have.", pointer)
        ]
    return [manifest.problem(f"{name}: {error.message}.", pointer)]


def _known(schema: Any, path: list[Any]) -> list[str]:
    for part in path:
        schema = schema.get("properties", {}).get(part) or schema.get("items") or {}
    return [*schema.get("properties", {})]


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" Known are {', '.join(names)}." if names else ""


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
