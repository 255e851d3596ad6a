"""Schema Objects of Swagger 2.0 and OpenAPI 3.0 to the JSON Schema 2020-12 of OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Callable

from apis.design.json_types import Json, JsonObject, as_list

Rename = Callable[[str], str]

_MAPS = ("properties", "patternProperties", "definitions", "$defs")
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("items", "not", "additionalProperties")
_ANNOTATIONS = ("title", "description", "deprecated", "readOnly", "writeOnly", "externalDocs", "default", "examples")


def keep_reference(reference: str) -> str:
    """Leave a reference as it is: 3.0 and 3.1 have the same places."""
    return reference


def upgrade_schema(schema: Json, rename: Rename = keep_reference) -> Json:
    """Return the 3.1 form of one schema; the given one is not changed."""
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        # Until 3.0 everything beside $ref is ignored; in 3.1 it would begin to count.
        kept: JsonObject = {key: schema[key] for key in ("summary", "description") if key in schema}
        return {"$ref": rename(reference), **kept}
    made: JsonObject = {}
    for key, value in schema.items():
        made[key] = _upgrade_keyword(key, value, rename)
    _upgrade_bounds(made)
    _upgrade_example(made)
    _upgrade_discriminator(made, rename)
    if made.get("type") == "file":
        made |= {"type": "string", "format": "binary"}
    return _upgrade_nullable(made)


def _upgrade_keyword(key: str, value: Json, rename: Rename) -> Json:
    if key in _MAPS and isinstance(value, dict):
        return {name: upgrade_schema(inner, rename) for name, inner in value.items()}
    if key in _LISTS and isinstance(value, list):
        return [upgrade_schema(inner, rename) for inner in value]
    if key in _SINGLE:
        return upgrade_schema(value, rename)
    return value


def _upgrade_bounds(schema: JsonObject) -> None:
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and bound in schema:
                schema[exclusive] = schema.pop(bound)


def _upgrade_example(schema: JsonObject) -> None:
    if "example" in schema:
        example = schema.pop("example")
        schema["examples"] = [example, *as_list(schema.get("examples"))]


def _upgrade_discriminator(schema: JsonObject, rename: Rename) -> None:
    discriminator = schema.get("discriminator")
    if isinstance(discriminator, str):
        schema["discriminator"] = {"propertyName": discriminator}
    elif isinstance(discriminator, dict) and isinstance(discriminator.get("mapping"), dict):
        mapping = discriminator["mapping"]
        assert isinstance(mapping, dict)
        renamed = {
            name: rename(target) if isinstance(target, str) and target.startswith("#") else target
            for name, target in mapping.items()
        }
        schema["discriminator"] = {**discriminator, "mapping": renamed}


def _upgrade_nullable(schema: JsonObject) -> JsonObject:
    is_nullable = schema.pop("nullable", None)
    is_nullable = schema.pop("x-nullable", None) or is_nullable
    if is_nullable is not True:
        return schema
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
        values = schema.get("enum")
        if isinstance(values, list) and None not in values:
            schema["enum"] = [*values, None]
        return schema
    if not any(key in schema for key in (*_LISTS, "enum", "not")):
        return schema  # without a type null is allowed already
    annotations = {key: schema.pop(key) for key in _ANNOTATIONS if key in schema}
    return {**annotations, "anyOf": [schema, {"type": "null"}]}
