"""A document laid out for the rules: operations, parameters, schemas and texts, each found once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.media import body_schema, media_object
from apis.design.operations import walk_operations
from apis.design.pointers import follow_references, join_pointer

# Deeper than any schema a person reads; what lies below is a generator's.
MOST_DEPTH = 40
SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas")
SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMA_PARTS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


@dataclass(frozen=True, slots=True)
class OperationView:
    """One operation and where it stands."""

    path: str
    method: str
    item: JsonObject
    body: JsonObject
    pointer: str

    @property
    def name(self) -> str:
        """Return method and path, as sentences name it."""
        return f"{self.method.upper()} {self.path}"

    @property
    def responses(self) -> JsonObject:
        """Return its responses by status."""
        return as_object(self.body.get("responses"))


@dataclass(frozen=True, slots=True)
class ParameterView:
    """One parameter as it is after following references, and where it is written or referred to."""

    body: JsonObject
    pointer: str
    where: str

    @property
    def name(self) -> str:
        """Return its name."""
        return as_text(self.body.get("name"))

    @property
    def place(self) -> str:
        """Return where it is sent: query, path, header or cookie."""
        return as_text(self.body.get("in"))


@dataclass(frozen=True, slots=True)
class SchemaView:
    """One schema and where it stands; `name` is that of the property or component it describes."""

    body: JsonObject
    pointer: str
    name: str
    is_property: bool
    is_component: bool


class DocumentView:
    """A canonical document, walked once however many rules look at it."""

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.info = as_object(document.get("info"))
        self.components = as_object(document.get("components"))

    @cached_property
    def operations(self) -> tuple[OperationView, ...]:
        """Return the operations in the order of the document."""
        return tuple(
            OperationView(path, method, item, body, join_pointer(["paths", path, method]))
            for path, method, item, body in walk_operations(self.document)
        )

    @cached_property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """Return each path with its pointer."""
        return tuple((path, join_pointer(["paths", path])) for path in as_object(self.document.get("paths")))

    @cached_property
    def parameters(self) -> tuple[ParameterView, ...]:
        """Return the parameters of paths and operations."""
        found: list[ParameterView] = []
        seen: set[str] = set()
        for operation in self.operations:
            item_pointer = join_pointer(["paths", operation.path])
            for owner, pointer in ((operation.item, item_pointer), (operation.body, operation.pointer)):
                for index, written in enumerate(as_list(owner.get("parameters"))):
                    # A parameter of a path or component is looked at once, not once per operation.
                    here = as_text(as_object(written).get("$ref")).lstrip("#") or f"{pointer}/parameters/{index}"
                    if here not in seen:
                        seen.add(here)
                        body = as_object(follow_references(self.document, written))
                        found.append(ParameterView(body, here, operation.name))
        return tuple(found)

    @cached_property
    def schemas(self) -> tuple[SchemaView, ...]:
        """Return every schema that is written somewhere, each once."""
        found: list[SchemaView] = []
        for name, schema in as_object(self.components.get("schemas")).items():
            found.extend(_walk(schema, join_pointer(["components", "schemas", name]), name, is_component=True))
        for parameter in self.parameters:
            found.extend(_walk(parameter.body.get("schema"), f"{parameter.pointer}/schema", parameter.name))
        for pointer, content in self.contents:
            for media, value in content.items():
                field, schema = body_schema(as_object(value))
                found.extend(_walk(schema, f"{pointer}{join_pointer([media])}/{field}", ""))
        return tuple(found)

    @cached_property
    def contents(self) -> tuple[tuple[str, JsonObject], ...]:
        """Return the contents of request bodies and responses, with their pointers."""
        found: dict[str, JsonObject] = {}
        for operation in self.operations:
            self._add_content(found, operation.body.get("requestBody"), f"{operation.pointer}/requestBody")
            for status, response in operation.responses.items():
                self._add_content(found, response, f"{operation.pointer}/responses/{status}")
        return tuple(found.items())

    def _add_content(self, found: dict[str, JsonObject], written: Json, pointer: str) -> None:
        here = as_text(as_object(written).get("$ref")).lstrip("#") or pointer
        content = as_object(as_object(follow_references(self.document, written)).get("content"))
        if content:
            media: JsonObject = {name: media_object(self.document, value) for name, value in content.items()}
            found.setdefault(f"{here}/content", media)

    def resolve(self, value: Json) -> JsonObject:
        """Return an object after following references; empty when there is none."""
        return as_object(follow_references(self.document, value))

    @cached_property
    def references(self) -> frozenset[str]:
        """Return every local reference of the document."""
        found: set[str] = set()
        stack: list[Json] = [self.document]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                reference = value.get("$ref")
                if isinstance(reference, str):
                    found.add(reference)
                stack.extend(value.values())
            elif isinstance(value, list):
                stack.extend(value)
        return frozenset(found)

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return every text of the document with its pointer."""
        found: list[tuple[str, str]] = []
        stack: list[tuple[str, Json]] = [("", self.document)]
        while stack:
            pointer, value = stack.pop()
            if isinstance(value, str):
                found.append((pointer, value))
            elif isinstance(value, dict):
                stack.extend((f"{pointer}{join_pointer([key])}", item) for key, item in value.items())
            elif isinstance(value, list):
                stack.extend((f"{pointer}/{index}", item) for index, item in enumerate(value))
        return tuple(reversed(found))

    @property
    def size(self) -> int:
        """Return what the score is measured against: operations and component schemas, at least 1."""
        return max(1, len(self.operations) + len(as_object(self.components.get("schemas"))))


def _walk(
    schema: Json, pointer: str, name: str, *, is_property: bool = False, is_component: bool = False
) -> Iterator[SchemaView]:
    stack: list[tuple[Json, str, str, bool, bool, int]] = [(schema, pointer, name, is_property, is_component, 0)]
    while stack:
        value, here, called, of_object, of_components, depth = stack.pop()
        if not isinstance(value, dict) or depth > MOST_DEPTH or "$ref" in value:
            continue
        yield SchemaView(value, here, called, of_object, of_components)
        parts: list[tuple[Json, str, str, bool, bool, int]] = []
        for key in SCHEMA_MAPS:
            for child, part in as_object(value.get(key)).items():
                at = f"{here}/{key}{join_pointer([child])}"
                parts.append((part, at, child, key == "properties", False, depth + 1))
        for key in SCHEMA_LISTS:
            for index, part in enumerate(as_list(value.get(key))):
                parts.append((part, f"{here}/{key}/{index}", called, False, False, depth + 1))
        for key in SCHEMA_PARTS:
            parts.append((value.get(key), f"{here}/{key}", called, False, False, depth + 1))
        stack.extend(reversed(parts))
