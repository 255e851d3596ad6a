"""The prompt program: what goes in, what is refused, what comes out."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.errors import BadRequest, InternalError, ModelOutputInvalid, ValidationFailed
from gateway.dataplane.prompts import (
    build_chat,
    build_messages,
    compile_program,
    programs,
    read_arguments,
    read_output,
)
from gateway.dataplane.records import ParameterRecord, PromptRecord

TRANSLATE = PromptRecord(
    model="demo/m",
    system="You translate to {{language}}.",
    template="{{ text }} ({{count}}, {{formal}}) {{not_a_parameter}} {{language}}",
    parameters=(
        ParameterRecord("text"),
        ParameterRecord("language", type="enum", values=("French", "German")),
        ParameterRecord("count", type="integer", is_required=False, default=3),
        ParameterRecord("ratio", type="number", is_required=False),
        ParameterRecord("formal", type="boolean", is_required=False, default=True),
    ),
    temperature=0.2,
)
SCHEMA = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}'
JSON_OUT = PromptRecord(model="demo/m", template="x", output="json", schema=SCHEMA)


def errors_of(body: Any, record: PromptRecord = TRANSLATE) -> list[dict[str, str]]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    with pytest.raises(ValidationFailed) as caught:
        read_arguments(compile_program(record), raw)
    assert caught.value.status == 422
    return caught.value.extra["errors"]  # type: ignore[no-any-return]


def test_arguments_defaults_and_literals_become_two_messages() -> None:
    program = compile_program(TRANSLATE)
    arguments = read_arguments(program, b'{"text":"Hi","language":"French"}')
    assert build_messages(program, arguments) == [
        {"role": "system", "content": "You translate to French."},
        {"role": "user", "content": "Hi (3, true) {{not_a_parameter}} French"},
    ]


@given(text=st.text(max_size=50), hole=st.sampled_from(["{{language}}", "{{text}}", "{{ count }}", "}}{{"]))
def test_an_argument_is_never_read_as_a_template(text: str, hole: str) -> None:
    program = compile_program(PromptRecord(model="m", template="[{{text}}]", parameters=(ParameterRecord("text"),)))
    value = text + hole + text
    assert build_messages(program, {"text": value})[0]["content"] == f"[{value}]"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/text", "#/language"]),
        ({"text": "x", "language": "French", "a/b~c": 1}, ["#/a~1b~0c"]),
        ({"text": 5, "language": "Latin"}, ["#/text", "#/language"]),
        ({"text": None, "language": "French"}, ["#/text"]),
        ({"text": "x", "language": "French", "count": 1.5}, ["#/count"]),
        ({"text": "x", "language": "French", "count": True}, ["#/count"]),
        ({"text": "x", "language": "French", "ratio": "1"}, ["#/ratio"]),
        ({"text": "x", "language": "French", "formal": 1}, ["#/formal"]),
        ({"text": "x" * 100_001, "language": "French"}, ["#/text"]),
        ({"text": ["x"], "language": ["French"]}, ["#/text", "#/language"]),
        ([1], ["#"]),
        ("text", ["#"]),
    ],
)
def test_every_wrong_argument_is_named_by_its_pointer(body: Any, pointers: list[str]) -> None:
    assert [error["pointer"] for error in errors_of(body)] == pointers


def test_a_megabyte_of_arguments_is_refused_as_a_whole() -> None:
    (error,) = errors_of({"text": "x" * 1024 * 1024, "language": "French"})
    assert error["pointer"] == "#"


def test_no_argument_text_stands_in_the_errors() -> None:
    found = errors_of({"text": 5, "language": "my secret"})
    assert "secret" not in orjson.dumps(found).decode()


def test_a_body_that_is_no_json_is_a_400() -> None:
    with pytest.raises(BadRequest):
        read_arguments(compile_program(TRANSLATE), b"{")


def test_a_prompt_without_parameters_takes_an_empty_body() -> None:
    assert read_arguments(compile_program(PromptRecord(model="m", template="x")), b"") == {}


def test_json_output_asks_for_its_schema_and_the_records_settings_go_along() -> None:
    body = build_chat(compile_program(JSON_OUT), [], "max_tokens").body
    assert body["response_format"]["json_schema"]["schema"] == orjson.loads(SCHEMA)
    assert body["max_tokens"] == 512
    assert "temperature" not in body
    assert build_chat(compile_program(TRANSLATE), [], "max_tokens").body["temperature"] == 0.2


def test_an_output_that_fits_is_handed_back_as_json() -> None:
    assert read_output(compile_program(JSON_OUT), '{"n": 4}', "stop") == {"n": 4}


@pytest.mark.parametrize("text", ["", "Sure! {}", '{"n": "4"}', '{"n":4,"m":1}', "[1]"])
def test_an_output_that_breaks_the_schema_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ModelOutputInvalid) as caught:
        read_output(compile_program(JSON_OUT), text, "stop")
    assert (caught.value.status, caught.value.fault) == (502, "upstream")
    assert not text or text not in caught.value.detail


def test_an_output_that_was_cut_off_says_so() -> None:
    with pytest.raises(ModelOutputInvalid, match="cut off"):
        read_output(compile_program(JSON_OUT), '{"n": ', "length")


@pytest.mark.parametrize("schema", ["{", '{"type":"nope"}', '{"$ref":"http://127.0.0.1:1/x"}'])
def test_a_schema_that_cannot_be_used_fails_the_call_and_fetches_nothing(schema: str) -> None:
    with pytest.raises(InternalError):
        compile_program(PromptRecord(model="m", template="x", output="json", schema=schema))


def test_a_program_is_built_once_per_record() -> None:
    assert programs.of(TRANSLATE) is programs.of(TRANSLATE)
    assert programs.of(JSON_OUT) is not programs.of(TRANSLATE)
