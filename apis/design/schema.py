"""Schemas made readable: references followed, allOf merged, and laid out as rows of a tree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.pointers import UnresolvedPointer, resolve_reference, split_reference

MAX_DEPTH = 6
MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class FlatSchema:
    """A schema without $ref and allOf at its top; references are those followed on the way to it."""

    schema: JsonObject
    name: str
    references: frozenset[str]


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One line of a schema's tree; name is empty for the schema itself."""

    depth: int
    name: str
    type_text: str
    is_required: bool
    is_deprecated: bool
    description: str
    default: str
    example: str
    enum: tuple[str, ...]
    limits: str
    note: str


@dataclass(frozen=True, slots=True)
class SchemaTree:
    """The rows of a schema; is_truncated says that more would follow."""

    type_text: str
    rows: tuple[SchemaRow, ...]
    is_truncated: bool


def flatten_schema(document: JsonObject, schema: Json, active: frozenset[str] = frozenset()) -> FlatSchema:
    """Follow $ref and merge allOf; what leads back to itself or nowhere counts as an empty schema."""
    if schema is False:
        return FlatSchema({"not": {}}, "", active)
    own = as_object(schema)
    name = as_text(own.get("title"))
    references = active
    merged: JsonObject = {}
    reference = own.get("$ref")
    if isinstance(reference, str) and reference not in active:
        references = references | {reference}
        try:
            target = flatten_schema(document, resolve_reference(document, reference), references)
        except UnresolvedPointer:
            target = FlatSchema({}, "", references)
        merged, references = target.schema, target.references
        name = reference_name(reference)
    for part in as_list(own.get("allOf")):
        flat = flatten_schema(document, part, references)
        merged, references = merge_schemas(merged, _without_way_back(flat.schema, references)), flat.references
    rest = {key: value for key, value in own.items() if key not in ("$ref", "allOf")}
    return FlatSchema(merge_schemas(merged, rest), name, references)


def _without_way_back(schema: JsonObject, references: frozenset[str]) -> JsonObject:
    """Drop the choice of a parent that lists the child it is merged into (the discriminator pattern)."""
    return {
        key: value
        for key, value in schema.items()
        if key not in ("oneOf", "anyOf") or not any(as_object(one).get("$ref") in references for one in as_list(value))
    }


def reference_name(reference: str) -> str:
    """Return the last part of a reference, the name under which readers know it."""
    parts = split_reference(reference)
    return parts[-1] if parts else reference


def merge_schemas(first: JsonObject, second: JsonObject) -> JsonObject:
    """Put two flat schemas together; where both say something else, the second counts."""
    merged = {**first, **second}
    if isinstance(first.get("properties"), dict) and isinstance(second.get("properties"), dict):
        properties = dict(as_object(first["properties"]))
        for name, schema in as_object(second["properties"]).items():
            both_say = name in properties and properties[name] != schema
            properties[name] = {"allOf": [properties[name], schema]} if both_say else schema
        merged["properties"] = properties
    if isinstance(first.get("required"), list) and isinstance(second.get("required"), list):
        names = [*as_list(first["required"]), *as_list(second["required"])]
        merged["required"] = [name for index, name in enumerate(names) if name not in names[:index]]
    return merged


def types_of(schema: JsonObject) -> list[str]:
    """Return the types a flat schema allows; those its keywords imply when it names none."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return [kind]
    if isinstance(kind, list):
        return [one for one in kind if isinstance(one, str)]
    if "properties" in schema or "additionalProperties" in schema or "required" in schema:
        return ["object"]
    if "items" in schema or "prefixItems" in schema:
        return ["array"]
    if any(key in schema for key in ("pattern", "minLength", "maxLength", "format")):
        return ["string"]
    if any(key in schema for key in ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum")):
        return ["number"]
    values = [schema["const"]] if "const" in schema else as_list(schema.get("enum"))
    return list(dict.fromkeys(_type_of(value) for value in values))


def _type_of(value: Json) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def type_text(document: JsonObject, schema: Json, depth: int = 0) -> str:
    """Say in words what a schema describes: "string (date-time)", "array of Order", "Cat or Dog"."""
    flat = flatten_schema(document, schema)
    own = flat.schema
    for key in ("oneOf", "anyOf"):
        options = as_list(own.get(key))
        if options and depth < 3:
            return " or ".join(dict.fromkeys(type_text(document, option, depth + 1) for option in options[:6]))
    words = [_one_type(document, flat, kind, depth) for kind in types_of(own)]
    return " or ".join(words) or ("nothing" if own.get("not") == {} else "any")


def _one_type(document: JsonObject, flat: FlatSchema, kind: str, depth: int) -> str:
    if kind == "array":
        items = flat.schema.get("items")
        return f"array of {type_text(document, items, depth + 1)}" if items is not None and depth < 3 else "array"
    if kind == "object":
        return flat.name or "object"
    form = as_text(flat.schema.get("format"))
    return f"{kind} ({form})" if form and kind != "null" else kind


def show_value(value: Json) -> str:
    """Write a value for a reader: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def schema_tree(
    document: JsonObject, schema: Json, *, max_depth: int = MAX_DEPTH, max_rows: int = MAX_ROWS
) -> SchemaTree:
    """Lay a schema out as rows, at most max_rows and max_depth deep; recursion is named, not followed."""
    return _Layout(document, max_depth, max_rows).lay_out(schema)


class _Layout:
    def __init__(self, document: JsonObject, max_depth: int, max_rows: int) -> None:
        self.document = document
        self.max_depth = max_depth
        self.max_rows = max_rows
        self.is_truncated = False

    def lay_out(self, schema: Json) -> SchemaTree:
        flat = flatten_schema(self.document, schema)
        is_plain_object = types_of(flat.schema) == ["object"] and not _options(flat.schema)
        walk = (
            self._children(flat, 0, flat.references)
            if is_plain_object
            else self._row("", schema, 0, False, frozenset())
        )
        rows: list[SchemaRow] = []
        for row in walk:
            if len(rows) == self.max_rows:
                self.is_truncated = True
                break
            rows.append(row)
        return SchemaTree(type_text(self.document, schema), tuple(rows), self.is_truncated)

    def _row(
        self, name: str, schema: Json, depth: int, is_required: bool, active: frozenset[str]
    ) -> Iterator[SchemaRow]:
        flat = flatten_schema(self.document, schema)
        inner = self._inner(flat)
        recursive = sorted(inner.references & active)
        note = f"recursive: {reference_name(recursive[0])}" if recursive else ""
        yield make_row(self.document, name, schema, depth=depth, is_required=is_required, note=note)
        if recursive:
            return
        if depth + 1 >= self.max_depth:
            self.is_truncated = self.is_truncated or bool(_has_children(inner.schema))
            return
        yield from self._children(inner, depth + 1, active | flat.references | inner.references)

    def _inner(self, flat: FlatSchema) -> FlatSchema:
        """Go through arrays to what they hold: an array of Order shows the fields of Order."""
        hops = 0
        while "items" in flat.schema and "properties" not in flat.schema and hops < self.max_depth:
            held = flatten_schema(self.document, flat.schema["items"])
            if held.references & flat.references:
                return FlatSchema({}, held.name, held.references)
            flat = FlatSchema(held.schema, held.name, held.references | flat.references)
            hops += 1
        return flat

    def _children(self, flat: FlatSchema, depth: int, active: frozenset[str]) -> Iterator[SchemaRow]:
        schema = flat.schema
        required = as_list(schema.get("required"))
        for name, inner in as_object(schema.get("properties")).items():
            yield from self._row(name, inner, depth, name in required, active)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) and extra:
            yield from self._row("(any key)", extra, depth, False, active)
        for label, option in _options(schema):
            # An option may extend the schema that offers it; that is no recursion.
            if flatten_schema(self.document, option).schema.get("type") != "null":
                yield from self._row(label, option, depth, False, active - flat.references)


def _options(schema: JsonObject) -> list[tuple[str, Json]]:
    return [
        (label, option)
        for key, label in (("oneOf", "(one of)"), ("anyOf", "(any of)"))
        for option in as_list(schema.get(key))
    ]


def _has_children(schema: JsonObject) -> bool:
    return bool(schema.get("properties") or _options(schema))


def make_row(
    document: JsonObject, name: str, schema: Json, *, depth: int = 0, is_required: bool = False, note: str = ""
) -> SchemaRow:
    """Describe one schema in one row."""
    own = flatten_schema(document, schema).schema
    examples = as_list(own.get("examples"))
    example = examples[0] if examples else own.get("example")
    values = as_list(own.get("enum")) or ([own["const"]] if "const" in own else [])
    return SchemaRow(
        depth=depth,
        name=name,
        type_text=type_text(document, schema),
        is_required=is_required,
        is_deprecated=own.get("deprecated") is True,
        description=as_text(own.get("description")),
        default=show_value(own["default"]) if "default" in own else "",
        example=show_value(example) if example is not None else "",
        enum=tuple(show_value(value) for value in values),
        limits=_limits(own),
        note=note or _access_note(own),
    )


def _access_note(schema: JsonObject) -> str:
    if schema.get("readOnly") is True:
        return "only in responses"
    return "only in requests" if schema.get("writeOnly") is True else ""


_LIMITS = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("multipleOf", "multiple of {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "pattern {}"),
)


def _limits(schema: JsonObject) -> str:
    words = [text.format(show_value(schema[key])) for key, text in _LIMITS if key in schema]
    if schema.get("uniqueItems") is True:
        words.append("no item twice")
    return ", ".join(words)
