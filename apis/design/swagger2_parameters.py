"""Parameters of Swagger 2.0: plain ones, bodies and forms."""

from __future__ import annotations

from apis.design.json_types import Json, JsonObject, as_object, as_text
from apis.design.schema_upgrade import Rename, upgrade_schema

_PARAMETER_FIELDS = ("name", "in", "description", "required", "allowEmptyValue", "deprecated")
_NOT_SCHEMA = {*_PARAMETER_FIELDS, "collectionFormat", "$ref"}
_STYLES: dict[str, tuple[str, bool]] = {
    "csv": ("form", False),
    "multi": ("form", True),
    "ssv": ("spaceDelimited", False),
    "pipes": ("pipeDelimited", False),
}
_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def is_form(parameter: JsonObject) -> bool:
    """Say whether the parameter is a field of a form."""
    return parameter.get("in") == "formData"


def schema_of(parameter: JsonObject, rename: Rename) -> Json:
    """Return the schema that a non-body parameter or header spreads over its own fields."""
    return upgrade_schema(_without_collection_format(parameter), rename)


def _without_collection_format(value: JsonObject) -> JsonObject:
    schema = {key: inner for key, inner in value.items() if key not in _NOT_SCHEMA and not key.startswith("x-")}
    if value.get("x-nullable") is True:
        schema["x-nullable"] = True
    if isinstance(schema.get("items"), dict):
        schema["items"] = {k: v for k, v in as_object(schema["items"]).items() if k != "collectionFormat"}
    return schema


def parameter_of(parameter: JsonObject, rename: Rename) -> JsonObject:
    """Return a query, header or path parameter in its 3.1 form."""
    made: JsonObject = {key: parameter[key] for key in _PARAMETER_FIELDS if key in parameter}
    made |= {key: value for key, value in parameter.items() if key.startswith("x-") and key != "x-nullable"}
    made["schema"] = schema_of(parameter, rename)
    if parameter.get("in") != "query":
        made.pop("allowEmptyValue", None)
    if parameter.get("type") == "array":
        style, is_exploded = _STYLES.get(as_text(parameter.get("collectionFormat"), "csv"), ("form", False))
        made["style"] = style if parameter.get("in") == "query" else "simple"
        made["explode"] = is_exploded
    return made


def body_of(parameter: JsonObject, consumes: list[Json], rename: Rename) -> JsonObject:
    """Return the request body that a parameter `in: body` stands for."""
    kinds = [kind for kind in consumes if isinstance(kind, str)] or ["application/json"]
    media: JsonObject = {"schema": upgrade_schema(parameter.get("schema", {}), rename)}
    made: JsonObject = {key: parameter[key] for key in ("description", "required") if key in parameter}
    made |= {key: value for key, value in parameter.items() if key.startswith("x-")}
    return {**made, "content": {kind: dict(media) for kind in kinds}}


def form_body_of(parameters: list[JsonObject], consumes: list[Json], rename: Rename) -> JsonObject:
    """Return the request body that a set of `in: formData` parameters stands for."""
    has_file = any(parameter.get("type") == "file" for parameter in parameters)
    kinds = [kind for kind in consumes if isinstance(kind, str) and kind in (_URLENCODED, _MULTIPART)]
    if has_file:
        kinds = [_MULTIPART]
    properties: JsonObject = {}
    required: list[Json] = []
    for parameter in parameters:
        name = as_text(parameter.get("name"))
        field = as_object(schema_of(parameter, rename))
        if "description" in parameter:
            field = {**field, "description": parameter["description"]}
        properties[name] = field
        if parameter.get("required") is True:
            required.append(name)
    schema: JsonObject = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    content: JsonObject = {kind: {"schema": schema} for kind in kinds or [_URLENCODED]}
    return {"content": content, "required": True} if required else {"content": content}
