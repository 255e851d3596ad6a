import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.design.mock import NoMock, mock_answer

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "responses": {
                    "200": {
                        "description": "x",
                        "headers": {"ETag": {"schema": {"type": "string"}, "example": '"1"'}},
                        "content": {"application/json": {"examples": {
                            "one": {"value": {"id": 1}}, "none": {"$ref": "#/components/examples/None"},
                        }}},
                    },
                    "404": {"description": "x", "content": {"application/problem+json": {"example": {"title": "No"}}}},
                    "5XX": {"description": "x"},
                },
            },
            "delete": {"operationId": "deleteOrder", "responses": {"204": {"description": "x"}}},
        },
        "/orders/latest": {"get": {"operationId": "latest", "responses": {"200": {"description": "x", "content": {
            "application/json": {"schema": {"type": "object", "properties": {"id": {"type": "integer"}},
                                            "required": ["id"]}}}}}}},
        "/text": {"get": {"responses": {"default": {"description": "x", "content": {
            "text/plain": {"example": "hello"}}}}}},
    },
    "components": {"examples": {"None": {"value": {"id": None}}}},
}  # fmt: skip


def test_the_first_success_with_its_first_example_and_headers():
    answer = mock_answer(DOCUMENT, "GET", "/orders/7")
    assert (answer.status, answer.media_type, json.loads(answer.body)) == (200, "application/json", {"id": 1})
    assert answer.headers == (("ETag", '"1"'),)
    assert answer.operation_id == "getOrder"


def test_an_example_and_a_status_are_asked_for():
    assert json.loads(mock_answer(DOCUMENT, "GET", "/orders/7", example="none").body) == {"id": None}
    assert json.loads(mock_answer(DOCUMENT, "GET", "/orders/7", status=404).body) == {"title": "No"}
    assert mock_answer(DOCUMENT, "GET", "/orders/7", status=503).status == 503


def test_the_path_that_names_more_is_meant_and_a_schema_stands_for_an_example():
    answer = mock_answer(DOCUMENT, "GET", "/orders/latest")
    assert answer.operation_id == "latest"
    assert set(json.loads(answer.body)) == {"id"}


def test_no_body_and_plain_text():
    assert mock_answer(DOCUMENT, "DELETE", "/orders/7").body == b""
    assert mock_answer(DOCUMENT, "GET", "/text").body == b"hello"
    assert mock_answer(DOCUMENT, "HEAD", "/text").status == 200


@pytest.mark.parametrize(
    ("method", "path", "wanted", "message"),
    [
        ("GET", "/items", {}, "no operation at /items"),
        ("POST", "/orders/7", {}, "it has DELETE, GET"),
        ("GET", "/orders/7", {"status": 302}, "describes no 302; it describes 200, 404, 5XX"),
        ("GET", "/orders/7", {"example": "two"}, "there are one, none"),
    ],
)
def test_what_is_not_described_is_named(method, path, wanted, message):
    with pytest.raises(NoMock, match=message):
        mock_answer(DOCUMENT, method, path, **wanted)


NAMES = (
    "responses", "200", "content", "schema", "example", "examples", "headers", "$ref", "application/json", "value",
)  # fmt: skip
JUNK = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
)


@given(JUNK)
def test_no_document_breaks_it(operation):
    with contextlib.suppress(NoMock):
        mock_answer({"paths": {"/a": {"get": operation}}}, "GET", "/a")
