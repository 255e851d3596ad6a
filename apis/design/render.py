"""What a docs page shows of one operation: parameters, bodies, answers, examples."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from apis.design.example import Direction, example_for
from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.media import body_schema, example_body, media_object, stream_text, written_example
from apis.design.operations import find_operation
from apis.design.pointers import follow_references
from apis.design.schema import SchemaTree, make_row, schema_tree, show_value

__all__ = [
    "BodyView",
    "HeaderView",
    "MediaView",
    "OperationView",
    "ParameterView",
    "ResponseView",
    "describe_operation",
]

_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PLACES = {"path": 0, "query": 1, "querystring": 2, "header": 3, "cookie": 4}


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A parameter; location is path, query, header or cookie, limits are words like "≥ 1"."""

    name: str
    location: str
    is_required: bool
    is_deprecated: bool
    type_text: str
    description: str
    default: str
    example: str
    enum: tuple[str, ...]
    limits: str


@dataclass(frozen=True, slots=True)
class MediaView:
    """A body in one media type; example is a JSON value, example_text what would stand on the wire."""

    media_type: str
    tree: SchemaTree
    example: Json
    example_text: str


@dataclass(frozen=True, slots=True)
class BodyView:
    """A request body."""

    description: str
    is_required: bool
    media: tuple[MediaView, ...]


@dataclass(frozen=True, slots=True)
class HeaderView:
    """A header of a response."""

    name: str
    type_text: str
    description: str


@dataclass(frozen=True, slots=True)
class ResponseView:
    """A response; status is a code, a class such as 4XX, or default."""

    status: str
    description: str
    headers: tuple[HeaderView, ...]
    media: tuple[MediaView, ...]


@dataclass(frozen=True, slots=True)
class OperationView:
    """All that a docs page says about one operation; descriptions are Markdown as the author wrote it."""

    operation_id: str
    method: str
    path: str
    summary: str
    description: str
    tags: tuple[str, ...]
    is_deprecated: bool
    parameters: tuple[ParameterView, ...]
    request_body: BodyView | None
    responses: tuple[ResponseView, ...]


def describe_operation(document: JsonObject, operation_id: str) -> OperationView:
    """Describe an operation of a canonical document; raises OperationNotFound."""
    path, method, item, operation = find_operation(document, operation_id)
    return OperationView(
        operation_id=operation_id,
        method=method.upper(),
        path=path,
        summary=as_text(operation.get("summary")) or as_text(item.get("summary")),
        description=as_text(operation.get("description")) or as_text(item.get("description")),
        tags=tuple(tag for tag in as_list(operation.get("tags")) if isinstance(tag, str)),
        is_deprecated=operation.get("deprecated") is True,
        parameters=_parameters(document, item, operation),
        request_body=_request_body(document, operation.get("requestBody")),
        responses=_responses(document, operation),
    )


def _parameters(document: JsonObject, item: JsonObject, operation: JsonObject) -> tuple[ParameterView, ...]:
    chosen: dict[tuple[str, str], JsonObject] = {}
    for listed in (item.get("parameters"), operation.get("parameters")):
        for parameter in as_list(listed):
            target = as_object(follow_references(document, parameter))
            key = (as_text(target.get("name")), as_text(target.get("in")))
            if key[0]:
                chosen[key] = target
    views = [_parameter(document, parameter) for parameter in chosen.values()]
    return tuple(sorted(views, key=lambda view: (_PLACES.get(view.location, 9), not view.is_required)))


def _parameter(document: JsonObject, parameter: JsonObject) -> ParameterView:
    schema = parameter.get("schema")
    media_type, media = "", parameter
    if schema is None:
        media_type, written = next(iter(as_object(parameter.get("content")).items()), ("", None))
        media = media_object(document, written)
        schema = media.get("schema", {})
    row = make_row(document, as_text(parameter.get("name")), schema)
    found, example = written_example(document, media)
    shown = example if found else example_for(schema, document, direction="request")
    return ParameterView(
        name=row.name,
        location=as_text(parameter.get("in")),
        is_required=parameter.get("required") is True or parameter.get("in") == "path",
        is_deprecated=parameter.get("deprecated") is True or row.is_deprecated,
        type_text=row.type_text,
        description=as_text(parameter.get("description")) or row.description,
        default=row.default,
        # The whole query is one value (OpenAPI 3.2 §4.12): it is shown as it stands behind the question mark.
        example=_wire_text(media_type, shown, row.name) if parameter.get("in") == "querystring" else show_value(shown),
        enum=row.enum,
        limits=row.limits,
    )


def _request_body(document: JsonObject, body: Json) -> BodyView | None:
    target = follow_references(document, body)
    if not isinstance(target, dict):
        return None
    return BodyView(
        description=as_text(target.get("description")) or as_text(as_object(body).get("description")),
        is_required=target.get("required") is True,
        media=_media(document, target.get("content"), "request"),
    )


def _responses(document: JsonObject, operation: JsonObject) -> tuple[ResponseView, ...]:
    views: list[ResponseView] = []
    for status, response in as_object(operation.get("responses")).items():
        if status.startswith("x-"):
            continue
        target = as_object(follow_references(document, response))
        views.append(
            ResponseView(
                status=status,
                description=as_text(target.get("description")) or as_text(target.get("summary")),
                headers=_headers(document, target),
                media=_media(document, target.get("content"), "response"),
            )
        )
    return tuple(sorted(views, key=lambda view: (view.status == "default", view.status)))


def _headers(document: JsonObject, response: JsonObject) -> tuple[HeaderView, ...]:
    views: list[HeaderView] = []
    for name, header in as_object(response.get("headers")).items():
        target = as_object(follow_references(document, header))
        row = make_row(document, name, target.get("schema", {}))
        views.append(HeaderView(name, row.type_text, as_text(target.get("description")) or row.description))
    return tuple(views)


def _media(document: JsonObject, content: Json, direction: Direction) -> tuple[MediaView, ...]:
    views: list[MediaView] = []
    for media_type, media in as_object(content).items():
        described = media_object(document, media)
        example = example_body(document, described, direction)
        schema = body_schema(described)[1]
        tree = schema_tree(document, {} if schema is None else schema)
        views.append(MediaView(media_type, tree, example, _wire_text(media_type, example, tree.type_text)))
    return tuple(views)


def _wire_text(media_type: str, example: Json, name: str) -> str:
    kind = media_type.partition(";")[0].strip().lower()
    if (stream := stream_text(media_type, example)) is not None:
        return stream
    if kind == "application/x-www-form-urlencoded" and isinstance(example, dict):
        return urlencode({name: show_value(value) for name, value in example.items()})
    if kind == "multipart/form-data" and isinstance(example, dict):
        return "\n".join(f"{name}={show_value(value)}" for name, value in example.items())
    if kind.endswith(("/xml", "+xml")) and not isinstance(example, str):
        return _xml_text(name if _XML_NAME.fullmatch(name) else "item", example, 0)
    is_json = kind.endswith(("/json", "+json")) or kind == "*/*"
    if isinstance(example, str) and not is_json:
        return example
    return json.dumps(example, indent=2, ensure_ascii=False)


def _xml_text(name: str, value: Json, depth: int) -> str:
    pad = "  " * depth
    if isinstance(value, list):
        return "\n".join(_xml_text(name, one, depth) for one in value)
    if isinstance(value, dict):
        inner = "".join(
            _xml_text(key if _XML_NAME.fullmatch(key) else "item", one, depth + 1) + "\n" for key, one in value.items()
        )
        return f"{pad}<{name}>\n{inner}{pad}</{name}>"
    return f"{pad}<{name}>{escape(show_value(value))}</{name}>"
