"""What stands at each place of a document: enough to know which component a reference there becomes."""

from __future__ import annotations

from apis.design.json_types import Json
from apis.design.openapi30 import METHODS

# A kind is a section of components; "map:kind" a map whose keys are names; "" anything else; None is data of the API.
SCHEMAS, PATH_ITEMS, ANY = "schemas", "pathItems", ""
_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_SCHEMA_PARTS = frozenset(
    {
        "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
        "unevaluatedProperties", "contentSchema", "allOf", "anyOf", "oneOf", "prefixItems",
    }
)  # fmt: skip
_MAPS = {
    "schemas": SCHEMAS, "definitions": SCHEMAS, "paths": PATH_ITEMS, "webhooks": PATH_ITEMS, "pathItems": PATH_ITEMS,
    "responses": "responses", "headers": "headers", "requestBodies": "requestBodies", "links": "links",
    "securitySchemes": "securitySchemes", "securityDefinitions": "securitySchemes", "callbacks": "callbacks",
    "content": "mediaTypes", "mediaTypes": "mediaTypes", "encoding": ANY, "variables": ANY,
    "additionalOperations": ANY,
}  # fmt: skip
_PARTS = {"schema": SCHEMAS, "itemSchema": SCHEMAS, "requestBody": "requestBodies", **dict.fromkeys(METHODS, ANY)}
_DATA = frozenset({"example", "default", "enum", "const", "value", "x-example", "dataValue", "serializedValue"})
# Where a reference becomes one to a component, by version; elsewhere what it names is put in its place.
SECTIONS_2 = {SCHEMAS: "definitions", "parameters": "parameters", "responses": "responses"}
SECTIONS_3 = (
    SCHEMAS, "parameters", "responses", "headers", "examples", "requestBodies", "links", "callbacks", "securitySchemes",
)  # fmt: skip


def kind_below(kind: str, key: str, value: Json) -> str | None:
    """Return the kind of what stands under a key of something of a kind; None when it is data."""
    if kind.startswith("map:"):
        return kind[4:]
    if kind == "callbacks":
        return None if key.startswith("x-") else PATH_ITEMS
    if key in _DATA or (key.startswith("x-") and key != "x-webhooks"):
        return None
    if kind == SCHEMAS:
        if key in _SCHEMA_MAPS:
            return f"map:{SCHEMAS}"
        return SCHEMAS if key in _SCHEMA_PARTS else None if key == "examples" else ANY
    if key == "parameters":
        return "map:parameters" if isinstance(value, dict) else "parameters"
    if key == "examples":
        return "map:examples" if isinstance(value, dict) else None
    if key in _MAPS and isinstance(value, dict):
        return f"map:{_MAPS[key]}"
    return _PARTS.get(key, SCHEMAS if key in _SCHEMA_PARTS else ANY)
