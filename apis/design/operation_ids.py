"""Names for operations that have none: always the same for the same document."""

from __future__ import annotations

import re
from dataclasses import dataclass

from apis.design.json_types import JsonObject, as_object
from apis.design.openapi30 import METHODS
from apis.design.pointers import follow_references, join_pointer

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class GeneratedId:
    """An operation that got its name from us; pointer is that of the operation."""

    pointer: str
    operation_id: str


def propose_operation_id(method: str, path: str) -> str:
    """Name an operation after its method and path: GET /orders/{orderId} is get_orders_by_order_id."""
    words = [method.lower()]
    for segment in path.split("/"):
        if not segment:
            continue
        name = _OTHER.sub("_", _CAMEL.sub("_", segment).lower()).strip("_")
        if name:
            words.append(f"by_{name}" if segment.startswith("{") else name)
    return "_".join(words) if len(words) > 1 else f"{method.lower()}_root"


def name_operations(document: JsonObject) -> tuple[JsonObject, tuple[GeneratedId, ...]]:
    """Return the document with path items in place of references to them, and every operation named."""
    paths = document.get("paths")
    if not isinstance(paths, dict):
        return document, ()
    items: JsonObject = {
        path: item if path.startswith("x-") else _inline_item(document, as_object(item)) for path, item in paths.items()
    }
    taken = {
        operation_id
        for item in items.values()
        for method in METHODS
        if isinstance(operation_id := as_object(as_object(item).get(method)).get("operationId"), str)
    }
    generated: list[GeneratedId] = []
    for path, item in items.items():
        if path.startswith("x-") or not isinstance(item, dict):
            continue
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict) or _has_id(operation):
                continue
            name = _first_free(propose_operation_id(method, path), taken)
            taken.add(name)
            item[method] = {**operation, "operationId": name}
            generated.append(GeneratedId(join_pointer(["paths", path, method]), name))
    return {**document, "paths": items}, tuple(generated)


def _has_id(operation: JsonObject) -> bool:
    operation_id = operation.get("operationId")
    return isinstance(operation_id, str) and bool(operation_id.strip())


def _first_free(wanted: str, taken: set[str]) -> str:
    chosen, number = wanted, 2
    while chosen in taken:
        chosen, number = f"{wanted}_{number}", number + 1
    return chosen


def _inline_item(document: JsonObject, item: JsonObject) -> JsonObject:
    if not isinstance(item.get("$ref"), str):
        return dict(item)
    target = follow_references(document, item)
    if not isinstance(target, dict):
        return dict(item)
    return {**target, **{key: value for key, value in item.items() if key != "$ref"}}
