"""The operations of a canonical document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apis.design.json_types import JsonObject, as_list, as_object, as_text
from apis.design.openapi30 import METHODS


class OperationNotFound(LookupError):
    """The document has no operation of that id."""


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """One method of one path; method is upper case, path as it is written in the document."""

    operation_id: str
    method: str
    path: str
    summary: str
    description: str
    tags: tuple[str, ...]
    is_deprecated: bool


def list_operations(document: JsonObject) -> list[OperationSpec]:
    """Return the operations in the order of the document."""
    return [
        OperationSpec(
            operation_id=as_text(operation.get("operationId")),
            method=method.upper(),
            path=path,
            summary=as_text(operation.get("summary")),
            description=as_text(operation.get("description")),
            tags=tuple(tag for tag in as_list(operation.get("tags")) if isinstance(tag, str)),
            is_deprecated=operation.get("deprecated") is True,
        )
        for path, method, _, operation in walk_operations(document)
    ]


def walk_operations(document: JsonObject) -> Iterator[tuple[str, str, JsonObject, JsonObject]]:
    """Yield path, method (lower case), path item and operation."""
    for path, item in as_object(document.get("paths")).items():
        if path.startswith("x-") or not isinstance(item, dict):
            continue
        for method in item:
            operation = item[method]
            if method in METHODS and isinstance(operation, dict):
                yield path, method, item, operation


def find_operation(document: JsonObject, operation_id: str) -> tuple[str, str, JsonObject, JsonObject]:
    """Return path, method, path item and operation of an id; raises OperationNotFound."""
    for found in walk_operations(document):
        if found[3].get("operationId") == operation_id:
            return found
    raise OperationNotFound(operation_id)
