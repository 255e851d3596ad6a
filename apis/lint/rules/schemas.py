"""Rules on schemas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from apis.design.json_types import Json, as_list, as_object, as_text
from apis.lint.rule import Hit, Rule
from apis.lint.rules.operations import CASES, case_of
from apis.lint.view import DocumentView

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,), "null": (type(None),),
}  # fmt: skip
SHAPES = {
    "type", "enum", "const", "oneOf", "anyOf", "allOf", "not", "properties", "items", "$ref", "$dynamicRef", "if",
    "prefixItems",
}  # fmt: skip
MONEY = re.compile(r"(?:^|_)(?:price|amount|total|cost|fee|balance)(?:$|_)|(?:Price|Amount|Total|Cost|Fee|Balance)$")


def _types(schema: dict[str, Json]) -> list[str]:
    given = schema.get("type")
    return [given] if isinstance(given, str) else [item for item in as_list(given) if isinstance(item, str)]


def _is(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(kind, (object,)))


def _typed(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        if (schema.is_component or schema.is_property) and not SHAPES & set(schema.body):
            yield schema.pointer, f"The schema {schema.name!r} says neither type nor shape: it allows everything."


def _described(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        if schema.is_component and not as_text(schema.body.get("description") or schema.body.get("title")).strip():
            yield schema.pointer, f"The schema {schema.name!r} has no description."


def _property_described(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        if schema.is_property and not as_text(schema.body.get("description") or schema.body.get("title")).strip():
            yield schema.pointer, f"The property {schema.name!r} has no description."


def _property_casing(view: DocumentView) -> Iterator[Hit]:
    properties = [schema for schema in view.schemas if schema.is_property]
    cases = Counter(case_of(schema.name) for schema in properties if not schema.name.islower() or "_" in schema.name)
    cases.pop("", None)
    if not cases:
        return
    usual = cases.most_common(1)[0][0]
    for schema in properties:
        if not CASES[usual].fullmatch(schema.name):
            yield schema.pointer, f"The property {schema.name!r} is not written in {usual} as the others are."


def _required(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        known = as_object(schema.body.get("properties"))
        composed = {"allOf", "anyOf", "oneOf", "patternProperties"} & set(schema.body)
        for name in as_list(schema.body.get("required")):
            if known and not composed and name not in known:
                yield (
                    f"{schema.pointer}/required",
                    f"{name!r} is required but is no property of {schema.name or 'this schema'!r}.",
                )


def _enum(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        kinds = _types(schema.body)
        for index, value in enumerate(as_list(schema.body.get("enum"))):
            if kinds and not any(_is(value, kind) for kind in kinds):
                yield (
                    f"{schema.pointer}/enum/{index}",
                    f"{value!r} is no {' or '.join(kinds)}: nothing can have this value.",
                )


def _enum_once(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        values = [repr(value) for value in as_list(schema.body.get("enum"))]
        for value, count in Counter(values).items():
            if count > 1:
                yield (
                    f"{schema.pointer}/enum",
                    f"{value} stands {count} times in the enum of {schema.name or 'this schema'!r}.",
                )


def _default(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        kinds = _types(schema.body)
        if "default" in schema.body and kinds and not any(_is(schema.body["default"], kind) for kind in kinds):
            yield f"{schema.pointer}/default", f"The default {schema.body['default']!r} is no {' or '.join(kinds)}."


def _bounds(view: DocumentView) -> Iterator[Hit]:
    pairs = (
        ("minLength", "maxLength"),
        ("minimum", "maximum"),
        ("minItems", "maxItems"),
        ("minProperties", "maxProperties"),
    )
    for schema in view.schemas:
        for low, high in pairs:
            least, most = schema.body.get(low), schema.body.get(high)
            if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
                yield f"{schema.pointer}/{low}", f"{low} {least} is above {high} {most}: nothing fits."


def _array_items(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        if "array" in _types(schema.body) and not {"items", "prefixItems", "contains"} & set(schema.body):
            yield schema.pointer, f"The array {schema.name!r} does not say what is in it. Add items."


def _array_bound(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        if "array" in _types(schema.body) and "maxItems" not in schema.body:
            yield schema.pointer, f"The array {schema.name!r} has no maxItems: its size is not bounded."


def _pattern(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        pattern = as_text(schema.body.get("pattern"))
        if pattern and not (pattern.startswith("^") and pattern.endswith("$")):
            yield (
                f"{schema.pointer}/pattern",
                f"The pattern {pattern!r} is not anchored: any text that holds a match passes.",
            )


def _money(view: DocumentView) -> Iterator[Hit]:
    for schema in view.schemas:
        if schema.is_property and "number" in _types(schema.body) and MONEY.search(schema.name):
            yield (
                schema.pointer,
                f"{schema.name!r} looks like money in a floating number. Use a string or integer minor units.",
            )


RULES = (
    Rule("schema-type", "warn", "Schemas say what they are",
         "A schema without type or shape allows everything and promises nothing.", _typed),
    Rule("schema-description", "info", "Schemas are described",
         "Docs show it beside the name.", _described),
    Rule("property-description", "info", "Properties are described",
         "Units, formats, meaning of empty: a name tells none of them.", _property_described),
    Rule("property-casing", "info", "Properties are written alike",
         "Code that reads them should not have to guess.", _property_casing),
    Rule("schema-required-defined", "warn", "What is required is described",
         "A required name without a property is mostly a slip of the pen.", _required),
    Rule("schema-enum-type", "warn", "Enum values have the type",
         "A value of another type can never occur.", _enum),
    Rule("schema-enum-once", "warn", "Enum values stand once",
         "JSON Schema asks for unique values; generators stumble.", _enum_once),
    Rule("schema-default-type", "warn", "A default has the type",
         "A default that is not valid itself is a trap.", _default),
    Rule("schema-bounds", "warn", "Lower bounds are below upper bounds",
         "Otherwise nothing is valid.", _bounds),
    Rule("array-items", "warn", "Arrays say what is in them",
         "Without items anything may be.", _array_items),
    Rule("array-max-items", "off", "Arrays are bounded",
         "What is not bounded can exhaust memory (OWASP API4). Off unless a ruleset asks for it.", _array_bound),
    Rule("pattern-anchored", "info", "Patterns are anchored",
         "JSON Schema matches anywhere in the text unless ^ and $ say otherwise.", _pattern),
    Rule("money-as-number", "info", "Money is no floating number",
         "0.1 + 0.2 is not 0.3 in binary.", _money),
)  # fmt: skip
