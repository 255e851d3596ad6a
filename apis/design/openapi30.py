"""OpenAPI 3.0 documents to 3.1: every Schema Object in its place, and nothing that only looks like one."""

from __future__ import annotations

from collections.abc import Callable

from apis.design.json_types import Json, JsonObject
from apis.design.schema_upgrade import upgrade_schema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

_Upgrade = Callable[[Json], Json]


def upgrade_document(document: JsonObject) -> JsonObject:
    """Return the 3.1 form of a 3.0 document; parts of a wrong shape are passed on for the checks to name."""
    return _upgrade_fields(document, {"paths": _each(_path_item), "components": _components})


def _upgrade_fields(value: Json, fields: dict[str, _Upgrade]) -> JsonObject:
    assert isinstance(value, dict)
    return {key: fields[key](inner) if key in fields else inner for key, inner in value.items()}


def _object(fields: Callable[[], dict[str, _Upgrade]]) -> _Upgrade:
    def upgrade(value: Json) -> Json:
        if not isinstance(value, dict) or isinstance(value.get("$ref"), str):
            return value
        return _upgrade_fields(value, fields())

    return upgrade


def _each(upgrade: _Upgrade) -> _Upgrade:
    def upgrade_each(value: Json) -> Json:
        if isinstance(value, list):
            return [upgrade(inner) for inner in value]
        if isinstance(value, dict):
            return {key: inner if key.startswith("x-") else upgrade(inner) for key, inner in value.items()}
        return value

    return upgrade_each


# Schemas may be called x-anything, so their maps know no extensions.
def _schemas(value: Json) -> Json:
    return {key: upgrade_schema(inner) for key, inner in value.items()} if isinstance(value, dict) else value


_encoding: _Upgrade = _object(lambda: {"headers": _each(_header)})
_media_type: _Upgrade = _object(lambda: {"schema": upgrade_schema, "encoding": _each(_encoding)})
_header: _Upgrade = _object(lambda: {"schema": upgrade_schema, "content": _each(_media_type)})
_parameter: _Upgrade = _header
_request_body: _Upgrade = _object(lambda: {"content": _each(_media_type)})
_response: _Upgrade = _object(lambda: {"headers": _each(_header), "content": _each(_media_type)})
_operation: _Upgrade = _object(
    lambda: {
        "parameters": _each(_parameter),
        "requestBody": _request_body,
        "responses": _each(_response),
        "callbacks": _each(_callback),
    }
)
_path_item: _Upgrade = _object(lambda: {"parameters": _each(_parameter), **dict.fromkeys(METHODS, _operation)})
_callback: _Upgrade = _object(lambda: _AnyKey(_path_item))
_components: _Upgrade = _object(
    lambda: {
        "schemas": _schemas,
        "parameters": _each(_parameter),
        "headers": _each(_header),
        "requestBodies": _each(_request_body),
        "responses": _each(_response),
        "callbacks": _each(_callback),
    }
)


class _AnyKey(dict[str, _Upgrade]):
    """Fields of a Callback Object: each key but an extension is an expression naming a path item."""

    def __init__(self, upgrade: _Upgrade) -> None:
        super().__init__()
        self.upgrade = upgrade

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and not key.startswith("x-")

    def __getitem__(self, key: str) -> _Upgrade:
        return self.upgrade
