"""Every lint rule both ways: a document that it finds something in, and one that it is content with."""

import copy
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.lint import RULES, Ruleset, Waived, lint_document, score_of

# Nothing is found in it by any rule that is on.
CLEAN = {
    "openapi": "3.1.0",
    "info": {
        "title": "Orders", "version": "1.0.0", "description": "Takes the orders of a shop, one at a time.",
        "contact": {"email": "orders@example.com"}, "license": {"name": "Apache-2.0"},
    },
    "servers": [{"url": "https://orders.example.com/v1"}],
    "tags": [{"name": "orders", "description": "Orders and their items."}],
    "paths": {
        "/orders/{orderId}": {
            "parameters": [{
                "name": "orderId", "in": "path", "required": True, "description": "Its number.", "example": "o1",
                "schema": {"type": "string"},
            }],
            "get": {
                "operationId": "getOrder", "summary": "Read an order", "description": "With its items.",
                "tags": ["orders"],
                "parameters": [{
                    "name": "limit", "in": "query", "description": "Items to show.",
                    "schema": {"type": "integer", "maximum": 100},
                }],
                "responses": {
                    "200": {"description": "The order.", "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/Order"}, "example": {"id": "o1"},
                    }}},
                    "default": {"description": "An error.", "content": {"application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Problem"}, "example": {"title": "Gone"},
                    }}},
                },
            },
        }
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object", "description": "One order.", "required": ["orderId"],
                "properties": {"orderId": {"type": "string", "description": "Its number.", "pattern": "^o[0-9]+$"}},
            },
            "Problem": {"type": "object", "description": "What went wrong (RFC 9457)."},
        }
    },
}  # fmt: skip
GET = ("paths", "/orders/{orderId}", "get")
PARAMETERS = (*GET, "parameters")
ORDER = ("components", "schemas", "Order")
PROPERTY = (*ORDER, "properties", "orderId")
SCHEME = ("components", "securitySchemes", "one")
JSON = (*GET, "responses", "200", "content", "application/json")
EMPTY = object()

# rule -> what is changed in the clean document (path -> value, EMPTY takes away), so that the rule finds it.
BROKEN = {
    "info-description": {("info", "description"): "Orders"},
    "info-contact": {("info", "contact"): EMPTY},
    "info-license": {("info", "license"): EMPTY},
    "info-version-semver": {("info", "version"): "one"},
    "tag-description": {("tags", 0, "description"): ""},
    "tag-once": {("tags",): [{"name": "a", "description": "A."}, {"name": "a", "description": "B."}]},
    "component-unused": {("components", "schemas", "Old"): {"type": "string", "description": "x"}},
    "path-kebab-case": {("paths", "/orderItems"): {}},
    "path-trailing-slash": {("paths", "/orders/"): {}},
    "path-empty-segment": {("paths", "/orders//items"): {}},
    "path-query": {("paths", "/orders?all=true"): {}},
    "path-verb": {("paths", "/getOrders"): {}},
    "path-extension": {("paths", "/orders.json"): {}},
    "path-depth": {("paths", "/a/b/c/d/e/f/g/h/i"): {}},
    "operation-summary": {(*GET, "summary"): EMPTY},
    "operation-summary-length": {(*GET, "summary"): "x" * 101},
    "operation-description": {(*GET, "description"): " "},
    "operation-tags": {(*GET, "tags"): []},
    "operation-tag-defined": {(*GET, "tags"): ["items"]},
    "operation-id-casing": {
        ("paths", "/a"): {"get": {"operationId": "readAll"}}, ("paths", "/b"): {"get": {"operationId": "read_b"}},
    },
    "operation-success": {(*GET, "responses"): {"404": {"description": "x"}}},
    "operation-failure": {(*GET, "responses", "default"): EMPTY},
    "operation-401": {(*GET, "responses", "default"): EMPTY},
    "operation-404": {(*GET, "responses", "default"): EMPTY},
    "operation-429": {(*GET, "responses", "default"): EMPTY},
    "operation-sunset": {(*GET, "deprecated"): True},
    "operation-body-of-reads": {(*GET, "requestBody"): {"content": {}}},
    "operation-no-content": {(*GET, "responses", "204"): {"description": "x", "content": {"text/plain": {}}}},
    "operation-idempotency-key": {("paths", "/orders"): {"post": {"responses": {"201": {"description": "x"}}}}},
    "parameter-description": {(*PARAMETERS, 0, "description"): EMPTY},
    "parameter-casing": {PARAMETERS: [
        {"name": "page_size", "in": "query"}, {"name": "page_token", "in": "query"}, {"name": "orderBy", "in": "query"},
    ]},
    "parameter-ignored": {PARAMETERS: [{"name": "Authorization", "in": "header"}]},
    "parameter-type": {(*PARAMETERS, 0, "schema"): {}},
    "parameter-page-size": {(*PARAMETERS, 0, "schema"): {"type": "integer"}},
    "parameter-example": {("paths", "/orders/{orderId}", "parameters", 0, "example"): EMPTY},
    "response-description": {(*GET, "responses", "200", "description"): ""},
    "content-schema": {(*JSON, "schema"): EMPTY},
    "content-example": {(*JSON, "example"): EMPTY},
    "error-problem-json": {(*GET, "responses", "404"): {"description": "x", "content": {"application/json": {}}}},
    "request-body": {("paths", "/orders"): {"put": {"responses": {"200": {"description": "x"}}}}},
    "response-bare-array": {(*JSON, "schema"): {"type": "array", "items": {"type": "string"}}},
    "schema-type": {PROPERTY: {"description": "x"}},
    "schema-description": {(*ORDER, "description"): EMPTY},
    "property-description": {(*PROPERTY, "description"): EMPTY},
    "property-casing": {(*ORDER, "properties", "placed_at"): {"type": "string", "description": "x"},
                        (*ORDER, "properties", "itemCount"): {"type": "integer", "description": "x"}},
    "schema-required-defined": {(*ORDER, "required"): ["orderNo"]},
    "schema-enum-type": {(*PROPERTY, "enum"): ["a", 1]},
    "schema-enum-once": {(*PROPERTY, "enum"): ["a", "a"]},
    "schema-default-type": {(*PROPERTY, "default"): 1},
    "schema-bounds": {(*PROPERTY, "minLength"): 9, (*PROPERTY, "maxLength"): 3},
    "array-items": {(*PROPERTY, "type"): "array"},
    "array-max-items": {PROPERTY: {"type": "array", "items": {"type": "string"}, "description": "x"}},
    "pattern-anchored": {(*PROPERTY, "pattern"): "[0-9]"},
    "money-as-number": {(*ORDER, "properties", "totalPrice"): {"type": "number", "description": "x"}},
    "no-secrets": {(*JSON, "example"): {"key": "AKIA" + "ABCDEFGHIJKLMNOP"}},
    "no-scripts": {("info", "description"): "Takes orders. <script>alert(1)</script>"},
    "server-credentials": {("servers", 0, "url"): "https://me:secret@orders.example.com"},
    "server-https": {("servers", 0, "url"): "http://orders.example.com"},
    "security-key-in-query": {SCHEME: {"type": "apiKey", "in": "query", "name": "key"}},
    "security-basic": {SCHEME: {"type": "http", "scheme": "basic"}},
    "parameter-secret": {PARAMETERS: [{"name": "access_token", "in": "query"}]},
}  # fmt: skip


def broken(changes) -> dict:
    document = copy.deepcopy(CLEAN)
    for path, value in changes.items():
        owner = document
        for part in path[:-1]:
            owner = owner[part] if isinstance(owner, list) else owner.setdefault(part, {})
        if value is EMPTY:
            del owner[path[-1]]
        else:
            owner[path[-1]] = value
    return document


def codes(document, **rules) -> set[str]:
    return {finding.code for finding in lint_document(document, Ruleset(rules)).findings}


def test_there_are_more_than_thirty_rules_and_each_is_tried():
    assert len(RULES) > 30
    assert set(BROKEN) == set(RULES)


def test_a_good_document_is_content():
    result = lint_document(CLEAN)
    assert [finding.message for finding in result.findings] == []
    assert result.score == 100


@pytest.mark.parametrize("code", BROKEN)
def test_a_rule_finds_its_cause_and_is_content_without_it(code):
    on = {"array-max-items": "info"}
    assert code in codes(broken(BROKEN[code]), **on)
    assert code not in codes(CLEAN, **on)
    assert code not in codes(broken(BROKEN[code]), **{code: "off"})


@pytest.mark.parametrize("code", BROKEN)
def test_a_pointer_leads_to_a_place_of_the_document(code):
    from apis.design.pointers import UnresolvedPointer, resolve_parts, split_pointer

    document = broken(BROKEN[code])
    for finding in lint_document(document, Ruleset({"array-max-items": "info"})).findings:
        if finding.code == code:
            try:
                resolve_parts(document, split_pointer(finding.pointer))
            except UnresolvedPointer as error:
                raise AssertionError(finding) from error


def test_a_ruleset_says_how_grave_a_rule_is_and_the_gravest_come_first():
    document = broken(BROKEN["operation-summary"] | BROKEN["info-contact"])
    result = lint_document(document, Ruleset({"operation-summary": "error"}))
    assert [(finding.code, finding.severity) for finding in result.findings][0] == ("operation-summary", "error")
    assert result.count("error") == 1
    assert result.score < lint_document(document).score < 100


def test_a_waiver_covers_its_place_and_what_lies_below():
    document = broken(BROKEN["property-description"] | BROKEN["schema-description"])
    for pointer, left in (("", 0), ("/components/schemas/Order", 0), ("/components/schemas/Ord", 1), ("/paths", 1)):
        result = lint_document(document, waivers=[Waived("property-description", pointer)])
        assert sum(finding.code == "property-description" for finding in result.findings) == left
        assert len(result.waived) == 1 - left
        assert result.count("info") == 1 + left


def test_half_of_the_score_is_gone_at_ten_points_per_operation():
    assert score_of(0, 5) == 100
    assert score_of(5, 5) == 91
    assert score_of(50, 5) == 50
    assert score_of(10_000, 1) == 0


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["get", "post", "schema", "type", "properties", "parameters", "responses", "content", "200",
                         "$ref", "items", "allOf", "enum", "required", "tags", "name", "in", "default"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(JUNK, JUNK, JUNK)
def test_no_document_breaks_it(paths, components, info):
    document = {"openapi": "3.1.0", "info": info, "paths": {"/a": paths}, "components": {"schemas": {"A": components}}}
    json.dumps([finding.message for finding in lint_document(document).findings])


def test_a_circle_of_references_and_a_deep_schema_end():
    deep: dict = {"type": "string"}
    for _ in range(3000):
        deep = {"type": "array", "items": deep}
    schemas = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}, "Deep": deep}
    assert lint_document({**CLEAN, "components": {"schemas": schemas}}).findings


def test_ten_times_the_document_takes_about_ten_times_as_long():
    def seconds(count: int) -> float:
        item = CLEAN["paths"]["/orders/{orderId}"]
        document = {**CLEAN, "paths": {f"/orders{n}/{{orderId}}": item for n in range(count)}}
        started = time.perf_counter()
        lint_document(document)
        return time.perf_counter() - started

    few = min(seconds(200) for _ in range(3))
    many = min(seconds(2000) for _ in range(3))
    assert many < 40 * few
