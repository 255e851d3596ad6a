"""Schemas that refer to themselves, and documents as large as they come."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

from apis.diff import compare

TODAY = date(2026, 11, 25)


def api(schema: Any, **schemas: Any) -> dict[str, Any]:
    media = {"application/json": {"schema": schema}}
    operation = {"requestBody": {"content": media}, "responses": {"200": {"description": "ok", "content": media}}}
    return {"openapi": "3.1.0", "paths": {"/x": {"post": operation}}, "components": {"schemas": schemas}}


def codes(old: Any, new: Any) -> set[str]:
    return {finding.code for finding in compare(old, new, today=TODAY)}


def test_recursive_schemas_come_to_an_end_and_are_told_once() -> None:
    tree = {
        "type": "object",
        "properties": {"value": {"type": "string"}, "next": {"$ref": "#/components/schemas/Tree"}},
    }
    other = deepcopy(tree)
    other["properties"]["value"] = {"type": "integer"}
    ref = {"$ref": "#/components/schemas/Tree"}
    found = compare(api(ref, Tree=tree), api(ref, Tree=other), today=TODAY)
    assert [finding.code for finding in found] == ["request-type-changed", "response-type-changed"]


def test_two_schemas_that_unroll_to_the_same_are_no_change() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert codes(api({"$ref": "#/components/schemas/A"}, A=inner), api(deepcopy(inner))) == set()


def test_true_is_everything_and_false_is_nothing() -> None:
    assert codes(api(True), api({})) == set()
    assert codes(api({}), api(False)) == {"request-keyword-added", "response-keyword-added"}


def test_alternatives_in_another_order_are_no_change() -> None:
    first, second = {"type": "string"}, {"type": "integer"}
    assert codes(api({"oneOf": [first, second]}), api({"oneOf": [second, first]})) == set()


def test_a_changed_alternative_is_compared_with_the_one_it_was() -> None:
    old = {"oneOf": [{"title": "A", "type": "string"}, {"title": "B", "type": "integer"}]}
    new = {"oneOf": [{"title": "B", "type": "number"}, {"title": "A", "type": "string"}]}
    assert codes(api(old), api(new)) == {"request-type-widened", "response-type-widened"}


def test_a_chain_of_thousands_of_schemas_is_compared() -> None:
    schemas: dict[str, Any] = {
        f"S{n}": {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/S{n + 1}"}}}
        for n in range(3000)
    }
    schemas["S3000"] = {"type": "string"}
    old = api({"$ref": "#/components/schemas/S0"}, **schemas)
    new = deepcopy(old)
    new["components"]["schemas"]["S3000"] = {"type": "integer"}
    assert codes(old, old) == set()
    assert codes(old, new) == {"request-type-changed", "response-type-changed"}
