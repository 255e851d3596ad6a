"""The rule table, row by row and both ways, and what must hold for every sequence of changes."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.diff import RULES, compare, verdict

TODAY = date(2026, 11, 25)
STRING = {"type": "string"}


def document() -> dict[str, Any]:
    """Return a document in which every row of the table has something to change."""
    order = {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "integer", "minimum": 1, "maximum": 100},
            "state": {"type": "string", "enum": ["open", "paid"]},
            "note": {"type": ["string", "null"], "maxLength": 80, "pattern": "^a"},
            "kind": {"const": "order"},
            "due": {"type": "string", "format": "date"},
            "secret": {"type": "string", "writeOnly": True},
            "parent": {"$ref": "#/components/schemas/Order"},
            "pay": {"oneOf": [{"title": "Card", "type": "object"}, {"title": "Cash", "type": "string"}]},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5},
            "more": {"allOf": [{"title": "A", "type": "object"}]},
            "deep": {"type": "object", "additionalProperties": {"type": "number"}, "not": {"type": "null"}},
        },
    }  # fmt: skip
    sent: Any = deepcopy(order)
    sent["properties"]["parent"] = {"$ref": "#/components/schemas/OrderIn"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1.0.0"},
        "servers": [{"url": "https://orders.example.com"}],
        "security": [{"key": []}],
        "paths": {
            "/orders/{id}": {
                "put": {
                    "operationId": "putOrder",
                    "parameters": [
                        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                        {"name": "size", "in": "query", "schema": {"type": "integer", "default": 10}},
                        {"name": "X-Mode", "in": "header", "schema": {"type": "string"}},
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/OrderIn"}},
                            "text/csv": {},
                        },
                    },
                    "responses": {
                        "200": {
                            "description": "ok",
                            "headers": {"ETag": {"required": True, "schema": STRING}, "X-Left": {"schema": STRING}},
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
                                "text/plain": {"schema": STRING},
                            },
                        },
                        "404": {"description": "none"},
                    },
                },
                "get": {
                    "operationId": "getOrder", "deprecated": True, "x-sunset": "2027-06-01",
                    "x-stability-level": "beta", "responses": {"204": {"description": "ok"}},
                },
            }
        },
        "webhooks": {"paid": {"post": {"responses": {"200": {"description": "ok"}}}}},
        "components": {"schemas": {"Order": order, "OrderIn": sent}},
    }  # fmt: skip


Change = Callable[[dict[str, Any]], None]
PUT = ("paths", "/orders/{id}", "put")
GET = ("paths", "/orders/{id}", "get")
SENT = ("components", "schemas", "OrderIn")
GOT = ("components", "schemas", "Order")
BODY = (*PUT, "requestBody")
OK = (*PUT, "responses", "200")


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def put(*path: Any, value: Any) -> Change:
    def change(tree: dict[str, Any]) -> None:
        at(tree, path[:-1])[path[-1]] = value

    return change


def drop(*path: Any) -> Change:
    def change(tree: dict[str, Any]) -> None:
        del at(tree, path[:-1])[path[-1]]

    return change


def prop(schema: tuple[str, ...], name: str, *more: Any) -> tuple[Any, ...]:
    return (*schema, "properties", name, *more)


NEW = {"type": "string", "description": "new"}
PARAMETERS = (*PUT, "parameters")
# What is changed, what that is, and what the way back is ("" where nothing need be told).
ROWS: list[tuple[Change, str, str]] = [
    # 1-2: operations, sunset, stability
    (drop(*PUT), "operation-removed", "operation-added"),
    (drop(*GET), "operation-removed-early", "operation-added"),
    (put(*PUT, "deprecated", value=True), "operation-deprecated", "operation-reactivated"),
    (drop(*GET, "x-sunset"), "sunset-removed", ""),
    (put(*GET, "x-sunset", value="2027-01-01"), "sunset-earlier", ""),
    (put(*GET, "x-stability-level", value="alpha"), "stability-lowered", "stability-raised"),
    (put(*PUT, "operationId", value="replaceOrder"), "operation-id-changed", "operation-id-changed"),
    # 3-4: parameters
    (put(*PARAMETERS, 1, "required", value=True), "parameter-became-required", "parameter-became-optional"),
    (drop(*PARAMETERS, 1), "parameter-removed", "parameter-optional-added"),
    (lambda t: at(t, PARAMETERS).append({"name": "n", "in": "query", "required": True, "schema": STRING}),
     "parameter-required-added", "parameter-removed"),
    (lambda t: at(t, PARAMETERS).append({"name": "n", "in": "query", "schema": STRING}),
     "parameter-optional-added", "parameter-removed"),
    (put(*PARAMETERS, 2, "required", value=True), "parameter-became-required", "parameter-became-optional"),
    (put(*PARAMETERS, 1, "schema", "default", value=20), "parameter-default-changed", "parameter-default-changed"),
    (drop(*PARAMETERS, 1, "schema", "default"), "parameter-default-changed", "parameter-default-changed"),
    (put(*PARAMETERS, 1, "explode", value=False), "parameter-style-changed", "parameter-style-changed"),
    (put(*PARAMETERS, 1, "schema", "type", value="boolean"), "request-type-changed", "request-type-changed"),
    # 5: bodies
    (drop(*BODY), "request-body-removed", "request-body-required-added"),
    (put(*BODY, "required", value=False), "request-body-became-optional", "request-body-became-required"),
    (drop(*BODY, "content", "text/csv"), "request-media-type-removed", "request-media-type-added"),
    (put(*BODY, "content", "text/csv", value={"schema": STRING}), "request-schema-added", "request-schema-removed"),
    # 6: properties sent
    (put(*prop(SENT, "new"), value=NEW), "request-property-optional-added", "request-property-removed"),
    (put(*SENT, "required", value=["id"]), "request-property-became-optional", "request-property-became-required"),
    (drop(*prop(SENT, "note")), "request-property-removed", "request-property-optional-added"),
    (put(*prop(SENT, "note", "readOnly"), value=True), "request-read-only-changed", "request-read-only-changed"),
    # 7-8: types sent
    (put(*prop(SENT, "id", "type"), value="number"), "request-type-widened", "request-type-narrowed"),
    (put(*prop(SENT, "id", "type"), value=["integer", "string"]), "request-type-widened", "request-type-narrowed"),
    (put(*prop(SENT, "id", "type"), value="boolean"), "request-type-changed", "request-type-changed"),
    (drop(*prop(SENT, "id", "type")), "request-type-widened", "request-type-narrowed"),
    (put(*prop(SENT, "note", "type"), value="string"), "request-became-not-nullable", "request-became-nullable"),
    (drop(*prop(SENT, "due", "format")), "request-format-removed", "request-format-changed"),
    (put(*prop(SENT, "due", "format"), value="date-time"), "request-format-changed", "request-format-changed"),
    # 9: enumerations sent
    (put(*prop(SENT, "state", "enum"), value=["open"]), "request-enum-value-removed", "request-enum-value-added"),
    (drop(*prop(SENT, "state", "enum")), "request-enum-removed", "request-enum-added"),
    (put(*prop(SENT, "kind", "const"), value="x"), "request-const-changed", "request-const-changed"),
    (drop(*prop(SENT, "kind", "const")), "request-const-removed", "request-const-changed"),
    # 10: bounds sent
    (put(*prop(SENT, "id", "maximum"), value=99), "request-bound-tightened", "request-bound-relaxed"),
    (put(*prop(SENT, "id", "minimum"), value=2), "request-bound-tightened", "request-bound-relaxed"),
    (put(*prop(SENT, "state", "maxLength"), value=9), "request-bound-set", "request-bound-relaxed"),
    (put(*prop(SENT, "state", "minLength"), value=1), "request-bound-set", "request-bound-relaxed"),
    (put(*prop(SENT, "tags", "uniqueItems"), value=True), "request-bound-tightened", "request-bound-relaxed"),
    (put(*prop(SENT, "note", "pattern"), value="^b"), "request-pattern-changed", "request-pattern-changed"),
    (drop(*prop(SENT, "note", "pattern")), "request-pattern-removed", "request-pattern-added"),
    # 11: composition sent
    (drop(*prop(SENT, "pay", "oneOf", 1)), "request-one-of-branch-removed", "request-one-of-branch-added"),
    (drop(*prop(SENT, "pay", "oneOf")), "request-one-of-removed", "request-one-of-added"),
    (lambda t: at(t, prop(SENT, "more", "allOf")).append(NEW), "request-all-of-added", "request-all-of-removed"),
    (drop(*prop(SENT, "deep", "not")), "request-keyword-removed", "request-keyword-added"),
    (put(*prop(SENT, "deep", "propertyNames"), value=NEW), "request-keyword-added", "request-keyword-removed"),
    (put(*prop(SENT, "deep", "not"), value=STRING), "request-keyword-changed", "request-keyword-changed"),
    (put(*prop(SENT, "tags", "prefixItems"), value=[NEW]), "request-prefix-items-added",
     "request-prefix-items-removed"),
    (put(*SENT, "additionalProperties", value=False), "request-closed", "request-opened"),
    (put(*prop(SENT, "deep", "additionalProperties", "type"), value="string"), "request-type-changed",
     "request-type-changed"),
    (put(*prop(SENT, "tags", "items", "type"), value="number"), "request-type-changed", "request-type-changed"),
    # 12-14: answers
    (drop(*OK), "response-success-removed", "response-success-added"),
    (drop(*PUT, "responses", "404"), "response-error-removed", "response-error-added"),
    (drop(*OK, "content", "text/plain"), "response-media-type-removed", "response-media-type-added"),
    (drop(*OK, "content", "text/plain", "schema"), "response-schema-removed", "response-schema-added"),
    (drop(*OK, "headers", "ETag"), "response-header-required-removed", "response-header-added"),
    (drop(*OK, "headers", "X-Left"), "response-header-optional-removed", "response-header-added"),
    (put(*OK, "headers", "ETag", "required", value=False), "response-header-became-optional",
     "response-header-became-required"),
    (put(*OK, "headers", "ETag", "schema", value={"type": "integer"}), "response-type-changed",
     "response-type-changed"),
    # 15: properties that come
    (put(*prop(GOT, "new"), value=NEW), "response-property-added", "response-property-optional-removed"),
    (drop(*prop(GOT, "id")), "response-property-required-removed", "response-property-added"),
    (put(*GOT, "required", value=["id"]), "response-property-became-optional", "response-property-became-required"),
    (drop(*prop(GOT, "secret", "writeOnly")), "response-property-added", "response-property-optional-removed"),
    (put(*prop(GOT, "state", "type"), value=["string", "null"]), "response-became-nullable",
     "response-became-not-nullable"),
    # 16: types that come
    (put(*prop(GOT, "id", "type"), value="number"), "response-type-widened", "response-type-narrowed"),
    (put(*prop(GOT, "id", "type"), value="boolean"), "response-type-changed", "response-type-changed"),
    (drop(*prop(GOT, "due", "format")), "response-format-changed", "response-format-added"),
    # 17: enumerations that come
    (put(*prop(GOT, "state", "enum"), value=["open", "paid", "lost"]), "response-enum-value-added",
     "response-enum-value-removed"),
    (drop(*prop(GOT, "state", "enum")), "response-enum-removed", "response-enum-added"),
    (put(*prop(GOT, "kind", "const"), value="x"), "response-const-changed", "response-const-changed"),
    (drop(*prop(GOT, "kind", "const")), "response-const-removed", "response-const-added"),
    # 18: bounds that come; what is tightened is not told
    (put(*prop(GOT, "id", "maximum"), value=101), "response-bound-relaxed", ""),
    (drop(*prop(GOT, "note", "maxLength")), "response-bound-relaxed", ""),
    (put(*prop(GOT, "id", "minimum"), value=0), "response-bound-relaxed", ""),
    (drop(*prop(GOT, "tags", "minItems")), "response-bound-relaxed", ""),
    (put(*prop(GOT, "note", "pattern"), value="^b"), "response-pattern-changed", "response-pattern-changed"),
    # 19: composition that comes
    (lambda t: at(t, prop(GOT, "pay", "oneOf")).append(NEW), "response-one-of-branch-added",
     "response-one-of-branch-removed"),
    (drop(*prop(GOT, "pay", "oneOf")), "response-one-of-removed", "response-one-of-added"),
    (drop(*prop(GOT, "deep", "not")), "response-keyword-removed", "response-keyword-added"),
    (lambda t: at(t, prop(GOT, "more", "allOf")).append(NEW), "response-all-of-changed", "response-all-of-changed"),
    (put(*prop(GOT, "more", "anyOf"), value=[NEW]), "response-any-of-changed", "response-any-of-changed"),
    (put(*prop(GOT, "tags", "prefixItems"), value=[NEW]), "response-prefix-items-added",
     "response-prefix-items-removed"),
    # 20-22
    (drop("webhooks", "paid"), "webhook-removed", "webhook-added"),
    (put("servers", value=[]), "servers-changed", "servers-changed"),
    (drop("security"), "security-removed", "security-added"),
    (put("security", value=[{"key": ["orders:write"]}]), "security-added", "security-removed"),
    (put("security", value=[{"key": []}, {"login": []}]), "security-removed", "security-added"),
]  # fmt: skip


def codes(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    return {finding.code for finding in compare(old, new, today=TODAY)}


def changed(*changes: Change) -> dict[str, Any]:
    tree = document()
    for change in changes:
        change(tree)
    return tree


@pytest.mark.parametrize(("change", "there", "back"), ROWS, ids=[f"{i}-{row[1]}" for i, row in enumerate(ROWS)])
def test_a_row_is_told_both_ways(change: Change, there: str, back: str) -> None:
    old, new = document(), changed(change)
    assert there in codes(old, new)
    if back:
        assert back in codes(new, old)
    # Only the one change is told, but for the version that a break asks for.
    assert codes(old, new) - {there, "version-not-raised"} <= {"response-property-optional-removed"}


def test_nothing_changed_is_nothing_told() -> None:
    assert compare(document(), document(), today=TODAY) == []
    assert verdict([]) == "safe"


@given(st.lists(st.integers(0, len(ROWS) - 1), min_size=1, max_size=6, unique=True))
def test_no_heap_of_changes_hides_that_something_changed(chosen: list[int]) -> None:
    tree = document()
    for index in chosen:
        before = deepcopy(tree)
        try:
            ROWS[index][0](tree)
        except (KeyError, IndexError):
            # What it changes has gone with an earlier one.
            tree = before
    assert codes(tree, tree) == set()
    assert (codes(document(), tree) != set()) is (tree != document())


def test_a_break_without_a_major_version_is_told_and_with_one_is_not() -> None:
    broken = changed(drop(*PUT))
    assert "version-not-raised" in codes(document(), broken)
    broken["info"]["version"] = "2.0.0"
    assert "version-not-raised" not in codes(document(), broken)


def test_a_renamed_path_parameter_is_the_same_operation() -> None:
    new = document()
    new["paths"] = {"/orders/{order}": new["paths"]["/orders/{id}"]}
    at(new, ("paths", "/orders/{order}", "put", "parameters", 0))["name"] = "order"
    assert compare(document(), new, today=TODAY) == []


def test_a_sunset_that_has_come_lets_an_operation_go() -> None:
    old = document()
    at(old, GET)["x-sunset"] = "2026-11-24"
    new = deepcopy(old)
    del at(new, GET[:-1])["get"]
    assert codes(old, new) == {"operation-removed-deprecated"}
    at(old, GET)["x-sunset"] = "soon"
    assert codes(old, new) >= {"operation-sunset-unreadable"}


def test_a_finding_names_its_operation_and_both_places() -> None:
    (finding, *_) = compare(document(), changed(put(*prop(SENT, "id", "maximum"), value=99)), today=TODAY)
    assert (finding.level, finding.method, finding.path) == ("breaking", "PUT", "/orders/{id}")
    where = "/paths/~1orders~1{id}/put/requestBody/content/application~1json/schema/properties/id/maximum"
    assert finding.old == finding.new == where
    assert finding.text == "maximum went from 100 to 99, which refuses more."


def test_every_rule_has_a_level_and_a_sentence() -> None:
    assert {level for level, _ in RULES.values()} == {"breaking", "risky", "safe"}
    assert all(text.endswith(".") for _, text in RULES.values())
