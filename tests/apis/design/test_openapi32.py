"""Each thing that came with OpenAPI 3.2: it works, or a finding says what becomes of it; nothing is lost."""

import copy
from datetime import date
from pathlib import Path

import pytest

from apis.design.document import parse_document
from apis.design.media import stream_text
from apis.design.mock import NoMock, mock_answer
from apis.design.operations import list_operations
from apis.design.render import describe_operation
from apis.design.validate import validate_document
from apis.diff import compare
from apis.lint import lint_document

SOURCE = (Path(__file__).parents[2] / "golden" / "openapi" / "events_32.yaml").read_text()


@pytest.fixture
def parsed():
    return parse_document(SOURCE)


def found(parsed, change):
    changed = copy.deepcopy(parsed.document)
    change(changed)
    return [(item.level, item.code) for item in compare(parsed.document, changed, today=date(2026, 1, 1))]


def test_a_document_that_3_1_cannot_say_keeps_its_version_and_every_word(parsed):
    assert parsed.version == parsed.document["openapi"] == "3.2.0"
    for key in ("$self", "tags", "servers"):
        assert parsed.document[key] == parsed.source[key]
    assert parsed.document["components"] == parsed.source["components"]
    assert [finding.code for finding in validate_document(parsed)] == ["method-unserved"]


def test_a_document_that_3_1_can_say_is_canonical_3_1():
    plain = "openapi: 3.2.0\ninfo: {title: A, version: 1.0.0}\npaths: {}\n"
    assert parse_document(plain).document["openapi"] == "3.1.0"


def test_query_is_an_operation_and_additional_ones_are_said_to_be_kept_only(parsed):
    assert [(row.method, row.operation_id) for row in list_operations(parsed.document)] == [
        ("GET", "listEvents"), ("QUERY", "searchEvents"),
    ]  # fmt: skip
    assert "additionalOperations" in parsed.document["paths"]["/events"]
    (finding,) = validate_document(parsed)
    assert "neither served nor compared" in finding.message
    assert ("breaking", "operation-removed") in found(
        parsed, lambda document: document["paths"]["/events"].pop("query")
    )


def test_references_by_self_are_local_and_others_are_still_remote(parsed):
    content = parsed.document["paths"]["/events"]["get"]["responses"]["200"]["content"]
    assert content["application/jsonl"]["itemSchema"] == {"$ref": "#/components/schemas/Event"}
    assert "https://example.com/events.yaml#" in str(parsed.source["paths"])
    other = parse_document(SOURCE.replace("https://example.com/events.yaml#", "https://example.com/other.yaml#"))
    assert "reference-remote" in [finding.code for finding in validate_document(other)]
    wrong = parse_document(
        SOURCE.replace("events.yaml#/components/schemas/Event", "events.yaml#/components/schemas/No")
    )
    assert "reference-unresolved" in [finding.code for finding in validate_document(wrong)]


def test_docs_show_streams_as_they_are_sent(parsed):
    view = describe_operation(parsed.document, "listEvents")
    events, lines = view.responses[0].media
    assert events.example_text == "event: made\ndata: 1\n\ndata: a\ndata: b\n\n"
    assert (lines.tree.type_text, lines.example_text) == ("Event", '{"id": "e1"}\n')
    assert view.responses[1].description == "There is no such stream"
    assert "title" in view.responses[1].media[0].example_text


def test_the_whole_query_is_one_parameter(parsed):
    (parameter,) = describe_operation(parsed.document, "listEvents").parameters
    assert (parameter.location, parameter.example) == ("querystring", "since=2026-01-01")
    where = ("content", "application/x-www-form-urlencoded", "schema")

    def require(document):
        schema = document["paths"]["/events"]["get"]["parameters"][0]
        for key in where:
            schema = schema[key]
        schema["required"] = ["since"]

    assert ("breaking", "request-property-became-required") in found(parsed, require)


def test_examples_by_data_and_by_serialized_value(parsed):
    view = describe_operation(parsed.document, "searchEvents")
    assert view.request_body.media[0].example == {"text": "a"}
    assert [media.example_text for media in view.responses[0].media] == ['{\n  "id": 7\n}', "id 7"]
    assert mock_answer(parsed.document, "QUERY", "/events").body == b'{\n  "id": 7\n}'
    raw = mock_answer(parsed.document, "QUERY", "/events", example="raw")
    assert (raw.media_type, raw.body) == ("text/plain", b"id 7")
    with pytest.raises(NoMock, match="no example"):
        mock_answer(parsed.document, "QUERY", "/events", example="none")


def test_mock_answers_stream_items_and_media_types_of_components(parsed):
    answer = mock_answer(parsed.document, "GET", "/events")
    assert (answer.media_type, answer.body) == ("application/jsonl", b'{"id": "e1"}\n')
    events = mock_answer(parsed.document, "GET", "/events", example="two")
    assert events.media_type == "text/event-stream"
    assert events.body.endswith(b"data: a\ndata: b\n\n")
    assert b"title" in mock_answer(parsed.document, "GET", "/events", status=404).body


def test_the_comparison_looks_into_items_and_media_types_of_components(parsed):
    def item(document):
        return document["paths"]["/events"]["get"]["responses"]["200"]["content"]

    assert ("breaking", "response-property-became-optional") in found(
        parsed, lambda document: item(document)["text/event-stream"]["itemSchema"].pop("required")
    )
    assert ("breaking", "response-type-changed") in found(
        parsed, lambda document: document["components"]["mediaTypes"]["Problem"]["schema"].update(type="array")
    )

    def whole(document):
        media = item(document)["application/jsonl"]
        media["schema"] = media.pop("itemSchema")

    assert ("breaking", "response-media-type-removed") in found(parsed, whole)
    assert found(parsed, lambda document: None) == []


def test_lint_knows_item_schemas_summaries_and_shared_media_types(parsed):
    result = lint_document(parsed.document)
    codes = {finding.code for finding in result.findings}
    assert not codes & {"content-schema", "response-description", "tag-description"}
    assert any("/itemSchema" in finding.pointer for finding in result.findings)


def test_device_authorization_and_metadata_of_schemes_are_kept(parsed):
    scheme = parsed.document["components"]["securitySchemes"]["device"]
    assert scheme["flows"]["deviceAuthorization"]["deviceAuthorizationUrl"] == "https://events.example/device"
    assert scheme["oauth2MetadataUrl"]
    wrong = parse_document(SOURCE.replace("          deviceAuthorizationUrl: https://events.example/device\n", ""))
    assert "structure" in [finding.code for finding in validate_document(wrong)]


@pytest.mark.parametrize(
    ("media_type", "sent"),
    [
        ("application/jsonl", '{"a": 1}\n"b"\n'),
        ("application/x-ndjson", '{"a": 1}\n"b"\n'),
        ("application/json-seq", '\x1e{"a": 1}\n\x1e"b"\n'),
        ("text/event-stream; charset=utf-8", "a: 1\n\ndata: b\n\n"),
        ("application/json", None),
    ],
)
def test_sequential_media_types_are_written_as_their_formats_say(media_type, sent):
    assert stream_text(media_type, [{"a": 1}, "b"]) == sent
