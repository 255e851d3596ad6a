"""Bodies in one media type: their schema, or that of one item of a stream, and the examples an author wrote."""

from __future__ import annotations

import json

from apis.design.example import Direction, example_for
from apis.design.json_types import Json, JsonObject, as_list, as_object, shorten
from apis.design.pointers import follow_references

# JSON values one per line, or each behind a record separator (OpenAPI 3.2 §4.14.3: sequential media types).
_JSON_LINES = frozenset({"application/jsonl", "application/x-ndjson", "application/json-lines"})
_JSON_SEQUENCE = "application/json-seq"
_EVENTS = "text/event-stream"


def media_object(document: JsonObject, written: Json) -> JsonObject:
    """Return a Media Type Object, that of components where it is a reference (OpenAPI 3.2)."""
    return as_object(follow_references(document, written))


def body_schema(media: JsonObject) -> tuple[str, Json]:
    """Return the field and the schema that describe a body, of a stream one item; ("schema", None) for none."""
    field = "itemSchema" if "schema" not in media and "itemSchema" in media else "schema"
    return field, media.get(field)


def written_example(document: JsonObject, holder: JsonObject, name: str = "") -> tuple[bool, Json]:
    """Return whether the author wrote an example for a parameter or media type, and it; by its name, else the first."""
    if "example" in holder and not name:
        return True, holder["example"]
    examples = as_object(holder.get("examples"))
    for key in [name] if name else examples:
        target = as_object(follow_references(document, examples.get(key)))
        # serializedValue is text as it goes over the wire (OpenAPI 3.2); it has no form but that one.
        for field in ("value", "dataValue", "serializedValue"):
            if field in target:
                return True, target[field]
    return False, None


def example_body(document: JsonObject, media: JsonObject, direction: Direction, name: str = "") -> Json:
    """Return an example of a body: the author's, else one that fits the schema. Of a stream one item."""
    found, example = written_example(document, media, name)
    return example if found else example_for(body_schema(media)[1], document, direction=direction)


def stream_text(media_type: str, example: Json) -> str | None:
    """Return items as a sequential media type sends them; None where the media type is no such one.

    A list is taken for several items, a text for one that is written out.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in _JSON_LINES and kind not in (_EVENTS, _JSON_SEQUENCE):
        return None
    if isinstance(example, str):
        return example
    items = as_list(example) if isinstance(example, list) else [example]
    if kind == _EVENTS:
        return "".join(_event(item) for item in items)
    mark = "\x1e" if kind == _JSON_SEQUENCE else ""
    return "".join(f"{mark}{json.dumps(item, ensure_ascii=False)}\n" for item in items)


def _event(item: Json) -> str:
    """Write one server-sent event: its fields line by line, a blank line at its end."""
    if not isinstance(item, dict):
        return f"data: {_field(item)}\n\n"
    lines = [f"{key}: {part}\n" for key, value in item.items() for part in _field(value).split("\n")]
    return "".join(lines) + "\n"


def _field(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def unknown_example(media: JsonObject, name: str) -> str:
    """Return what to say of a name that no example has."""
    return f"There is no example {shorten(name)}; there are {', '.join(as_object(media.get('examples'))) or 'none'}."
