"""Block `idempotency`: operations that run once for each Idempotency-Key. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.records import IdempotencyRecord


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, {"operations", "required", "ttl_hours"})
    operations = block.get("operations")
    if not operations:
        yield Problem("/operations", "Name the operations by their operationId, such as [createOrder].")
    else:
        yield from values.text_list(operations, "/operations", most=1000)
    yield from values.truth(block.get("required", False), "/required")
    yield from values.number(block.get("ttl_hours", 24), "/ttl_hours", 1, 168, is_whole=True)


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    names = tuple(block["operations"])
    return {"idempotency": IdempotencyRecord(names, block.get("required", False), block.get("ttl_hours", 24) * 3600)}
