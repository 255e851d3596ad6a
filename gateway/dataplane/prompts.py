"""The prompt program (kind `prompt`): arguments in, messages to the model, its output checked and handed back.

A template holds `{{name}}` and nothing else. It is cut into pieces once per record; a value is put between them and
never read as a template again, whatever it contains.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import orjson

from gateway.dataplane import model_calls, replies
from gateway.dataplane.context import Call
from gateway.dataplane.errors import BadRequest, InternalError, ModelOutputInvalid, ValidationFailed
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.model_calls import Order
from gateway.dataplane.pricing import Usage, estimate_tokens
from gateway.dataplane.providers import openai
from gateway.dataplane.records import ParameterRecord, PromptRecord
from gateway.dataplane.runtime import Runtime

ARGUMENTS_BYTES = 1024 * 1024
# Above the arguments' own limit, so that a large argument gets the answer that names it.
BODY_BYTES = 4 * ARGUMENTS_BYTES
HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
TYPE_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}
JSON_TYPE = (b"content-type", b"application/json")
Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal text, or the name of the parameter whose argument stands there."""

    text: str
    is_parameter: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A prompt record made ready: its templates in pieces, its parameters by name, its schema compiled."""

    record: PromptRecord
    system: tuple[Piece, ...]
    template: tuple[Piece, ...]
    parameters: dict[str, ParameterRecord]
    schema: Any = None
    validator: Any = None


def compile_program(record: PromptRecord) -> Program:
    """Make a record ready; raise InternalError for a schema that is none (the control plane refuses those)."""
    parameters = {parameter.name: parameter for parameter in record.parameters}
    schema = validator = None
    if record.output == "json":
        try:
            schema = orjson.loads(record.schema or "{}")
            validator = jsonschema_rs.validator_for(schema, retriever=_refuse_remote)
        except ValueError as error:
            raise InternalError(
                "The output schema of this prompt cannot be used. Its owners must correct it."
            ) from error
    return Program(
        record,
        _cut(record.system, parameters),
        _cut(record.template, parameters),
        parameters,
        schema,
        validator,
    )


programs: RecordMemo[PromptRecord, Program] = RecordMemo(compile_program)


def _refuse_remote(uri: str) -> Any:
    """Refuse to fetch a schema: a call must not wait for, nor reach, another server."""
    raise ValueError(f"remote schema {uri}")


def _cut(template: str, parameters: dict[str, ParameterRecord]) -> tuple[Piece, ...]:
    pieces, end = [], 0
    for match in HOLE.finditer(template):
        if match[1] in parameters:
            pieces += [Piece(template[end : match.start()]), Piece(match[1], is_parameter=True)]
            end = match.end()
    return tuple(piece for piece in [*pieces, Piece(template[end:])] if piece.text)


def read_arguments(program: Program, raw: bytes) -> Arguments:
    """Return the arguments with defaults filled in; raise ValidationFailed with every error and its pointer."""
    if len(raw) > ARGUMENTS_BYTES:
        raise _invalid([_error("", f"The arguments together are over {ARGUMENTS_BYTES} bytes.")])
    try:
        given = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error.msg} at character {error.pos}.") from error
    if not isinstance(given, dict):
        raise _invalid([_error("", "The body must be a JSON object of arguments.")])
    known = ", ".join(program.parameters) or "none"
    errors = [
        _error(name, f"There is no parameter {name[:60]!r}; the parameters are: {known}.")
        for name in given
        if name not in program.parameters
    ]
    arguments: Arguments = {}
    for name, parameter in program.parameters.items():
        if name not in given:
            if parameter.is_required and parameter.default is None:
                errors.append(_error(name, f"The argument {name} is missing."))
            arguments[name] = parameter.default
            continue
        arguments[name] = given[name]
        wrong = check_argument(parameter, given[name])
        if wrong:
            errors.append(_error(name, wrong))
    if errors:
        raise _invalid(errors)
    return arguments


def check_argument(parameter: ParameterRecord, value: Any) -> str:
    """Return what is wrong with an argument, "" when nothing is."""
    name = parameter.name
    if value is None and not parameter.is_required:
        return ""
    if parameter.type == "enum":
        return (
            "" if value in parameter.values else f"The argument {name} must be one of: {', '.join(parameter.values)}."
        )
    is_right = {
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
        "boolean": isinstance(value, bool),
    }.get(parameter.type, isinstance(value, str))
    if not is_right:
        return f"The argument {name} must be {TYPE_WORDS.get(parameter.type, 'a text')}."
    if isinstance(value, str) and len(value) > parameter.max_chars:
        return f"The argument {name} has {len(value)} characters; {parameter.max_chars} are allowed."
    return ""


def _error(name: str, detail: str) -> dict[str, str]:
    # RFC 6901 §3 and §6: a JSON pointer in its URI fragment form starts with #.
    pointer = "/" + name[:200].replace("~", "~0").replace("/", "~1") if name else ""
    return {"detail": detail, "pointer": f"#{pointer}"}


def _invalid(errors: list[dict[str, str]]) -> ValidationFailed:
    first = errors[0]["detail"]
    return ValidationFailed(
        first if len(errors) == 1 else f"{first} {len(errors) - 1} more below.", extra={"errors": errors}
    )


def build_messages(program: Program, arguments: Arguments) -> list[dict[str, str]]:
    """Return the messages of a call: the system text, when there is one, and the filled template as the user's."""
    messages = [{"role": "user", "content": _fill(program.template, arguments)}]
    if program.system:
        messages.insert(0, {"role": "system", "content": _fill(program.system, arguments)})
    return messages


def _fill(pieces: tuple[Piece, ...], arguments: Arguments) -> str:
    return "".join(_text(arguments[piece.text]) if piece.is_parameter else piece.text for piece in pieces)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def build_chat(program: Program, messages: list[dict[str, str]], cap_field: str) -> openai.ChatRequest:
    """Return the chat request of a prompt; the model's name is filled in when it is sent."""
    record = program.record
    body: dict[str, Any] = {"model": record.model, "messages": messages, cap_field: record.max_output_tokens}
    if record.temperature is not None:
        body["temperature"] = record.temperature
    if program.validator is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "output", "schema": program.schema, "strict": True},
        }
    return openai.ChatRequest(
        body=body,
        model=record.model,
        is_stream=False,
        wants_usage=False,
        messages=len(messages),
        choices=1,
        output_cap=record.max_output_tokens,
        is_text_only=True,
    )


def read_output(program: Program, text: str, finish_reason: str) -> Any:
    """Return the output: the text, or the JSON that fits the schema; raise ModelOutputInvalid otherwise."""
    if program.validator is None:
        return text
    cut = " It was cut off at the prompt's output limit." if finish_reason == "length" else ""
    try:
        output = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ModelOutputInvalid(f"The model's output is not valid JSON.{cut}") from error
    wrong = next(program.validator.iter_errors(output), None)
    if wrong is not None:
        place = "/".join(str(part) for part in wrong.instance_path) or "its root"
        raise ModelOutputInvalid(f"The model's output breaks the promised schema at {place}.{cut}")
    return output


async def serve_prompt(call: Call, runtime: Runtime) -> None:
    """Serve a call of kind `prompt`: one POST with the arguments as a JSON object."""
    assert call.route is not None
    record = call.state.prompts.get(call.route.prompt)
    if record is None:
        raise InternalError("This version's prompt has not reached the gateway. Its owners must publish it again.")
    program = programs.of(record)
    arguments = read_arguments(program, await replies.read_body(call, BODY_BYTES))
    target = model_calls.find_target(call.state, record.model)
    chat = build_chat(program, build_messages(program, arguments), openai.cap_field(target.provider.base_url))
    order = await model_calls.admit(call, runtime, target, chat)
    call.extra_headers = model_calls.model_headers(target)
    async with model_calls.exchange(call, runtime, order) as answer:
        raw = await answer.read_all()
    await _respond(call, runtime, program, order, raw)


async def _respond(call: Call, runtime: Runtime, program: Program, order: Order, raw: bytes) -> None:
    answer = openai.read_answer(raw)
    usage = openai.read_usage(answer)
    if usage is None:
        usage = Usage(estimate_tokens(len(order.body)), estimate_tokens(len(raw)), is_estimated=True)
    # Booked first: the provider bills an answer that we then refuse.
    model_calls.book(call, usage, order.price)
    text, finish_reason = openai.answer_text(answer)
    body = {
        "output": read_output(program, text, finish_reason),
        "model": order.target.name,
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "cost_nano_usd": call.cost_nano,
        },
        "request_id": call.id,
    }
    replies.respond(call, runtime, 200, [JSON_TYPE, model_calls.cost_header(call)], orjson.dumps(body))
