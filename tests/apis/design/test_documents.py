"""Reading documents of any quality: what is accepted, what is refused and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.design.document import MAX_DOCUMENT_BYTES, parse_document
from apis.design.example import example_for
from apis.design.freezing import content_hash
from apis.design.operations import list_operations
from apis.design.outline import document_summary
from apis.design.problems import DesignError
from apis.design.prompt_document import PromptParameter, prompt_openapi
from apis.design.render import describe_operation
from apis.design.samples import code_samples
from apis.design.validate import validate_document

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "openapi").iterdir())


def document(paths: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **more}).encode()


def operation(**fields: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "fine"}}, **fields}


def codes(data: bytes, severity: str = "error") -> list[str]:
    return [finding.code for finding in validate_document(parse_document(data)) if finding.severity == severity]


@pytest.mark.parametrize("path", GOLDEN, ids=[path.name for path in GOLDEN])
def test_each_version_of_the_format_becomes_canonical_and_describes_its_operations(path):
    parsed = parse_document(path.read_bytes())
    assert parsed.document["openapi"] in {"3.1.0", "3.1.1", "3.1.2", "3.2.0"}
    assert not [found for found in validate_document(parsed) if found.severity == "error"]
    specs = list_operations(parsed.document)
    assert specs
    for spec in specs:
        view = describe_operation(parsed.document, spec.operation_id)
        assert (view.method, view.path) == (spec.method, spec.path)
    assert document_summary(parsed.document).title


@pytest.mark.parametrize("path", GOLDEN, ids=[path.name for path in GOLDEN])
def test_a_canonical_document_read_again_stays_as_it_is(path):
    once = parse_document(path.read_bytes()).document
    again = parse_document(json.dumps(once).encode()).document
    assert content_hash(once) == content_hash(again)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"not: [", "Invalid YAML at line 2"),
        (b'{"openapi": "3.1.0",}', "line 1"),
        (b"hello", "openapi"),
        (b'{"a": 1}', "openapi"),
        (b"\xff\xfe\x00", ""),
        (b"[1, 2]", "object"),
    ],
)
def test_what_is_no_document_is_refused_with_the_place(data, words):
    with pytest.raises(DesignError) as refusal:
        parse_document(data)
    assert any(words in finding.message for finding in refusal.value.findings)


def test_over_32_megabytes_is_refused_unread():
    with pytest.raises(DesignError) as refusal:
        parse_document(b" " * (MAX_DOCUMENT_BYTES + 1))
    assert refusal.value.findings[0].code == "document-too-large"


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(DesignError):
        parse_document("\n".join(["openapi: 3.1.0", *lines]).encode())


def test_two_operations_of_one_name_are_refused_with_both_pointers():
    data = document({"/a": {"get": operation(operationId="same")}, "/b": {"get": operation(operationId="same")}})
    found = next(f for f in validate_document(parse_document(data)) if f.severity == "error")
    assert "/paths/~1a" in found.message + found.pointer
    assert "/paths/~1b" in found.message + found.pointer


def test_a_missing_name_is_made_and_stays_the_same():
    data = document({"/orders/{id}": {"get": operation(
        parameters=[{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}])}})  # fmt: skip
    names = [spec.operation_id for spec in list_operations(parse_document(data).document)]
    assert names == [spec.operation_id for spec in list_operations(parse_document(data).document)]
    assert names == ["get_orders_by_id"]


def test_a_remote_reference_is_refused():
    data = document({"/a": {"get": {"responses": {"200": {"$ref": "https://elsewhere.example/x"}}}}})
    assert "reference-remote" in codes(data)


def test_a_reference_that_leads_only_to_itself_is_refused_and_a_recursive_schema_is_not():
    itself = {"schemas": {"A": {"$ref": "#/components/schemas/A"}}}
    assert "reference-cycle" in codes(document({"/a": {"get": operation()}}, components=itself))
    tree = {"schemas": {"Tree": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}
    data = document({"/a": {"post": operation(operationId="grow", requestBody=body)}}, components=tree)
    assert codes(data) == []
    view = describe_operation(parse_document(data).document, "grow")
    assert view.request_body is not None
    assert any("Tree" in row.note or "Tree" in row.type_text for row in view.request_body.media[0].tree.rows)


def test_a_path_parameter_that_nobody_declares_is_refused():
    assert codes(document({"/a/{id}": {"get": operation()}}))


def test_two_paths_that_match_the_same_are_refused():
    parameter = [{"name": "x", "in": "path", "required": True, "schema": {"type": "string"}}]
    other = [{"name": "y", "in": "path", "required": True, "schema": {"type": "string"}}]
    assert codes(document({"/a/{x}": {"get": operation(parameters=parameter)},
                           "/a/{y}": {"get": operation(parameters=other)}}))  # fmt: skip


def test_a_document_without_servers_is_accepted():
    assert codes(document({"/a": {"get": operation()}})) == []


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["openapi", "info", "paths", "/a", "get", "responses", "200", "$ref", "components"]) | st.text(
            max_size=3), inner, max_size=4), max_leaves=12))  # fmt: skip
def test_no_json_whatever_ends_in_anything_but_a_verdict(value):
    findings: tuple[Any, ...] | list[Any] = ()
    try:
        findings = validate_document(parse_document(json.dumps(value).encode()))
    except DesignError as error:
        findings = error.findings
    assert all(finding.message for finding in findings)


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string"}, {"type": "integer", "minimum": 3}, {"type": "boolean"}, {"enum": ["a", "b"]},
            {"type": "string", "format": "date"}, {"type": "number", "maximum": 2},
        ]
    ),
    lambda inner: st.fixed_dictionaries({"type": st.just("array"), "items": inner})
    | st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3)}
    ),
    max_leaves=5,
)  # fmt: skip


@given(SCHEMAS)
def test_an_example_fits_the_schema_it_is_made_for(schema):
    assert jsonschema_rs.is_valid(schema, example_for(schema))


def test_a_prompts_document_is_valid_and_names_its_parameters():
    made = prompt_openapi(
        title="Translate",
        parameters=[PromptParameter("text", "string"), PromptParameter("to", "enum", False, enum=("fr", "de"))],
        output="json",
        output_schema={"type": "object", "properties": {"text": {"type": "string"}}},
    )
    parsed = parse_document(json.dumps(made).encode())
    assert not [found for found in validate_document(parsed) if found.severity == "error"]
    view = describe_operation(parsed.document, list_operations(parsed.document)[0].operation_id)
    assert view.method == "POST"
    names = {row.name for row in view.request_body.media[0].tree.rows}
    assert {"text", "to"} <= names


def test_samples_keep_the_key_out_and_quote_what_a_shell_would_read():
    samples = code_samples("POST", "http://h/a?q=it's", {"Authorization": "Bearer $GATEHOUSE_KEY"}, {"a": "b'c\"ü"})
    assert [sample.language for sample in samples] == ["bash", "python", "javascript", "go", "java"]
    assert all("GATEHOUSE_KEY" in sample.code for sample in samples)
    compile(next(sample.code for sample in samples if sample.language == "python"), "sample", "exec")
