"""Example values from schemas: the author's own where there are any, else the plainest valid ones."""

from __future__ import annotations

import math
import re
from typing import Literal

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.schema import flatten_schema, merge_schemas, types_of

Direction = Literal["request", "response"]

# An example is read by people: beyond this many values the optional ones are left out.
MAX_VALUES = 300
MAX_DEPTH = 12
_LONGEST_TEXT = 400
_MOST_ITEMS = 5

_FORMATS: dict[str, str] = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "duration": "P1D",
    "uuid": "3f2b8c1e-5d4a-4c7b-9e6f-0a1b2c3d4e5f",
    "email": "ada@example.com",
    "idn-email": "ada@example.com",
    "uri": "https://example.com/resource",
    "url": "https://example.com/resource",
    "iri": "https://example.com/resource",
    "uri-reference": "/resource",
    "iri-reference": "/resource",
    "uri-template": "/resource/{id}",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "R2F0ZWhvdXNl",
    "binary": "(binary)",
    "password": "correct horse",
    "json-pointer": "/a/b",
    "relative-json-pointer": "1/a",
    "regex": "^[a-z]+$",
}
# Tried against a pattern; all short, so that no pattern can take long over one.
_TRIES = (
    "string", "abc", "ABC", "a", "A", "1", "12", "123", "1234", "12345", "abc-123", "ABC-123", "a1", "A1", "1.0.0",
    "USD", "en-US", "2026-01-31", "12:00", "#00ff00", "/path", "a_b", "a@example.com", "00000000", "+15550100",
)  # fmt: skip


class _NoExample(Exception):
    """No finite or legal value: the caller leaves the part out, or has none itself."""


def example_for(schema: Json, document: JsonObject | None = None, *, direction: Direction | None = None) -> Json:
    """Return an example value; direction leaves out what is read-only or write-only.

    References are looked up in document. A schema that no finite value fits gives null.
    """
    try:
        return _Maker(document or {}, direction).make(schema, frozenset(), 0)
    except _NoExample:
        return None


class _Maker:
    """One example in the making; counts its values."""

    def __init__(self, document: JsonObject, direction: Direction | None) -> None:
        self.document = document
        self.hidden = {"request": "readOnly", "response": "writeOnly"}.get(direction or "")
        self.count = 0

    def make(self, schema: Json, active: frozenset[str], depth: int) -> Json:
        self.count += 1
        if self._leads_back(schema, active) or depth > MAX_DEPTH * 3 or self.count > MAX_VALUES * 20:
            raise _NoExample
        flat = flatten_schema(self.document, schema)
        if flat.references & active:
            raise _NoExample
        return self._of_flat(flat.schema, active | flat.references, depth)

    def _leads_back(self, schema: Json, active: frozenset[str]) -> bool:
        return as_object(schema).get("$ref") in active

    def _of_flat(self, schema: JsonObject, active: frozenset[str], depth: int) -> Json:
        found, value = _given(schema)
        if found:
            return value
        for key in ("oneOf", "anyOf"):
            if as_list(schema.get(key)):
                return self._choose(schema, key, active, depth)
        return self._by_type(schema, active, depth)

    def _choose(self, schema: JsonObject, key: str, active: frozenset[str], depth: int) -> Json:
        base = {name: value for name, value in schema.items() if name != key}
        for option in sorted(as_list(schema[key]), key=lambda one: as_object(one).get("type") == "null"):
            if self._leads_back(option, active):
                continue
            # Given what is active, an option that extends the choice itself by allOf adds only its own part.
            flat = flatten_schema(self.document, option, active)
            try:
                return self._of_flat(merge_schemas(base, flat.schema), flat.references, depth + 1)
            except _NoExample:
                continue
        raise _NoExample

    def _by_type(self, schema: JsonObject, active: frozenset[str], depth: int) -> Json:
        if schema.get("not") == {} or schema.get("not") is True:
            raise _NoExample
        kinds = types_of(schema)
        is_nullable = "null" in kinds
        kind = next((one for one in kinds if one != "null"), "null" if is_nullable else "any")
        try:
            return self._of_kind(kind, schema, active, depth)
        except _NoExample:
            if is_nullable:
                return None
            raise

    def _of_kind(self, kind: str, schema: JsonObject, active: frozenset[str], depth: int) -> Json:
        if kind == "object":
            return self._object(schema, active, depth)
        if kind == "array":
            return self._array(schema, active, depth)
        if kind == "string":
            return _text(schema)
        if kind in ("integer", "number"):
            return _number(schema, is_integer=kind == "integer")
        return {"boolean": True, "null": None}.get(kind, {})

    def _object(self, schema: JsonObject, active: frozenset[str], depth: int) -> Json:
        made: JsonObject = {}
        required = [name for name in as_list(schema.get("required")) if isinstance(name, str)]
        properties = as_object(schema.get("properties"))
        for name, inner in properties.items():
            if self.hidden and flatten_schema(self.document, inner).schema.get(self.hidden) is True:
                continue
            if name not in required and (depth >= MAX_DEPTH or self.count > MAX_VALUES):
                continue
            try:
                made[name] = self.make(inner, active, depth + 1)
            except _NoExample:
                if name in required:
                    raise
        extra = schema.get("additionalProperties", True)
        for name in required:
            if name not in made and name not in properties:
                made[name] = self.make(extra, active, depth + 1)
        self._add_free_keys(made, schema, active, depth)
        return made

    def _add_free_keys(self, made: JsonObject, schema: JsonObject, active: frozenset[str], depth: int) -> None:
        extra = schema.get("additionalProperties", True)
        wanted = _count(schema.get("minProperties"), 0)
        if isinstance(extra, dict) and extra and not made:
            wanted = max(wanted, 1)
        number = 1
        while len(made) < min(wanted, 20) and extra is not False:
            name, number = f"key{number}", number + 1
            if name in made:
                continue
            try:
                made[name] = self.make(extra, active, depth + 1)
            except _NoExample:
                return

    def _array(self, schema: JsonObject, active: frozenset[str], depth: int) -> Json:
        least = _count(schema.get("minItems"), 0)
        made: list[Json] = [self.make(item, active, depth + 1) for item in as_list(schema.get("prefixItems"))]
        items = schema.get("items", least > 0)
        wanted = min(max(1, least), _count(schema.get("maxItems"), _MOST_ITEMS), max(least, _MOST_ITEMS), 50)
        if items is False or (not least and self.count > MAX_VALUES):
            return made
        try:
            while len(made) < wanted:
                made.append(self.make(items, active, depth + 1))
        except _NoExample:
            if least > len(made):
                raise
        return (
            _distinct(made, flatten_schema(self.document, items).schema) if schema.get("uniqueItems") is True else made
        )


def _given(schema: JsonObject) -> tuple[bool, Json]:
    examples = as_list(schema.get("examples"))
    if examples:
        return True, examples[0]
    for key in ("example", "default", "const"):
        if key in schema:
            return True, schema[key]
    values = as_list(schema.get("enum"))
    if values:
        return True, next((value for value in values if value is not None), None)
    return False, None


def _distinct(values: list[Json], items: JsonObject) -> list[Json]:
    """Replace repeated items by other ones: further enum values, or the same text or number counted on."""
    pool = as_list(items.get("enum"))
    made: list[Json] = []
    for index, value in enumerate(values):
        if value in made and index < len(pool):
            value = pool[index]
        elif value in made and isinstance(value, int | float) and not isinstance(value, bool):
            step = items.get("multipleOf")
            value = value + index * (step if isinstance(step, int | float) else 1)
        elif value in made and isinstance(value, bool):
            value = not value
        elif value in made and isinstance(value, str):
            value = f"{value[: -len(str(index))]}{index}"
        if value not in made:
            made.append(value)
    return made


def _text(schema: JsonObject) -> str:
    known = _FORMATS.get(as_text(schema.get("format")))
    if known is not None:
        return known
    least = _count(schema.get("minLength"), 0)
    most = _count(schema.get("maxLength"), _LONGEST_TEXT)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        return _matching(pattern, least, most)
    text = "string"
    if least > len(text):
        text = (text * (min(least, _LONGEST_TEXT) // len(text) + 1))[: min(least, _LONGEST_TEXT)]
    return text[:most]


def _matching(pattern: str, least: int, most: int) -> str:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "string"
    for text in _TRIES:
        if least <= len(text) <= most and compiled.search(text):
            return text
    return "string"


def _count(value: Json, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _bound(schema: JsonObject, key: str) -> int | float | None:
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(schema: JsonObject, *, is_integer: bool) -> int | float:
    low, high = _bound(schema, "minimum"), _bound(schema, "maximum")
    above, below = _bound(schema, "exclusiveMinimum"), _bound(schema, "exclusiveMaximum")
    step = _bound(schema, "multipleOf")
    if is_integer or (step is not None and step > 0):
        unit = step if step is not None and step > 0 else 1
        if is_integer and isinstance(unit, float) and not unit.is_integer():
            unit = 1
        return _stepped(low, above, high, below, int(unit) if is_integer else unit)
    return _between(low, above, high, below)


def _stepped(
    low: int | float | None, above: int | float | None, high: int | float | None, below: int | float | None,
    unit: int | float,
) -> int | float:  # fmt: skip
    """Return a multiple of unit within the bounds: the unit itself where it fits."""
    least = -math.inf if low is None else math.ceil(low / unit)
    if above is not None:
        least = max(least, math.floor(above / unit) + 1)
    most = math.inf if high is None else math.floor(high / unit)
    if below is not None:
        most = min(most, math.ceil(below / unit) - 1)
    factor = max(least, min(1, most))
    return int(factor) * unit


def _between(
    low: int | float | None, above: int | float | None, high: int | float | None, below: int | float | None
) -> int | float:
    def fits(value: int | float) -> bool:
        return (
            (low is None or value >= low)
            and (above is None or value > above)
            and (high is None or value <= high)
            and (below is None or value < below)
        )

    tries: list[int | float] = [1.5, 1, 0]
    bounds = [bound for bound in (low, above, high, below) if bound is not None]
    tries += bounds
    tries += [bound + 1 for bound in bounds] + [bound - 1 for bound in bounds]
    if bounds:
        tries.append(min(bounds) / 2 + max(bounds) / 2)
    return next((value for value in tries if fits(value)), 1.5)
