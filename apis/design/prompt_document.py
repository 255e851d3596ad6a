"""The OpenAPI document of a prompt API: one POST that takes the arguments and gives the model's output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from apis.design.document import CANONICAL_VERSION
from apis.design.json_types import Json, JsonObject
from apis.design.operation_ids import propose_operation_id

ParameterType = Literal["string", "integer", "number", "boolean", "enum"]
DEFAULT_PATH = "/run"

_ERRORS = {
    "400": "The arguments are not what the parameters ask for.",
    "401": "The key is missing or not valid.",
    "403": "The key has no subscription to this API.",
    "413": "The arguments are larger than the API accepts.",
    "429": "A limit of the plan or a budget is reached; Retry-After says when to call again.",
    "502": "The model answered with an error, or its output does not fit the output schema.",
    "503": "The model cannot be reached, or a rule of the platform refuses calls for now.",
    "504": "The model did not answer in time.",
}


@dataclass(frozen=True, slots=True)
class PromptParameter:
    """A parameter of a prompt template; enum lists the values of the type enum and is empty otherwise."""

    name: str
    type: ParameterType
    required: bool = True
    description: str = ""
    default: str | int | float | bool | None = None
    enum: tuple[str, ...] = ()


def prompt_openapi(
    *,
    title: str,
    description: str = "",
    path: str = DEFAULT_PATH,
    parameters: list[PromptParameter],
    output: Literal["text", "json"] = "text",
    output_schema: JsonObject | None = None,
    version: str = "1.0.0",
) -> JsonObject:
    """Return a canonical 3.1 document; output_schema describes the output of kind json."""
    operation: JsonObject = {
        "operationId": propose_operation_id("post", path),
        "summary": title,
        "description": description,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _reference("schemas", "Arguments")}},
        },
        "responses": {
            "200": {
                "description": "The output of the model, with what it used.",
                "content": {"application/json": {"schema": _reference("schemas", "Result")}},
            },
            **{status: _error(status, text) for status, text in _ERRORS.items()},
        },
    }
    return {
        "openapi": CANONICAL_VERSION,
        "info": {"title": title, "version": version, "description": description},
        "security": [{"gatehouseKey": []}],
        "paths": {path: {"post": operation}},
        "components": {
            "schemas": {
                "Arguments": arguments_schema(parameters),
                "Output": _output_schema(output, output_schema),
                "Usage": _usage_schema(),
                "Result": _result_schema(),
                "Problem": _problem_schema(),
            },
            "securitySchemes": {
                "gatehouseKey": {"type": "http", "scheme": "bearer", "description": "A key of your application."}
            },
        },
    }


def arguments_schema(parameters: list[PromptParameter]) -> JsonObject:
    """Return the JSON Schema of the arguments object; unknown names are refused."""
    schema: JsonObject = {
        "type": "object",
        "properties": {parameter.name: _parameter_schema(parameter) for parameter in parameters},
        "additionalProperties": False,
    }
    required: list[Json] = [parameter.name for parameter in parameters if parameter.required]
    if required:
        schema["required"] = required
    return schema


def _parameter_schema(parameter: PromptParameter) -> JsonObject:
    schema: JsonObject = {"type": "string" if parameter.type == "enum" else parameter.type}
    if parameter.type == "enum":
        schema["enum"] = list(parameter.enum)
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.default is not None:
        schema["default"] = parameter.default
    return schema


def _output_schema(output: str, output_schema: JsonObject | None) -> Json:
    if output == "text":
        return {"type": "string", "description": "The text the model wrote."}
    schema = _moved(output_schema or {"type": "object"}, "#/components/schemas/Output")
    # A schema given as a document of its own keeps its dialect, but its address would change what $ref means.
    return {key: value for key, value in cast(JsonObject, schema).items() if key not in ("$id", "$schema")}


def _moved(value: Json, place: str) -> Json:
    """Rewrite local references for a schema that now stands at a place inside a document."""
    if isinstance(value, list):
        return [_moved(one, place) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _moved(one, place) for key, one in value.items()}
    reference = value.get("$ref")
    if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
        made["$ref"] = place + reference[1:]
    return made


def _result_schema() -> JsonObject:
    return {
        "type": "object",
        "required": ["output", "model", "usage", "request_id"],
        "properties": {
            "output": _reference("schemas", "Output"),
            "model": {"type": "string", "description": "The model that answered, as provider/model."},
            "usage": _reference("schemas", "Usage"),
            "request_id": {"type": "string", "description": "Names this call, also in logs and on its page."},
        },
    }


def _usage_schema() -> JsonObject:
    tokens: JsonObject = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["prompt_tokens", "completion_tokens", "total_tokens"],
        "properties": {
            "prompt_tokens": dict(tokens),
            "completion_tokens": dict(tokens),
            "total_tokens": dict(tokens),
            "cost_usd": {
                "type": "number",
                "minimum": 0,
                "description": "The cost, where the price is known.",
            },
        },
    }


def _problem_schema() -> JsonObject:
    return {
        "type": "object",
        "description": "A problem as RFC 9457 describes it.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What was wrong and what to do."},
            "code": {"type": "string"},
            "fault": {"type": "string", "enum": ["caller", "policy", "upstream", "gateway"]},
            "request_id": {"type": "string"},
        },
    }


def _error(status: str, text: str) -> JsonObject:
    response: JsonObject = {
        "description": text,
        "content": {"application/problem+json": {"schema": _reference("schemas", "Problem")}},
    }
    if status in ("429", "503"):
        response["headers"] = {
            "Retry-After": {"description": "Seconds until a new call may pass.", "schema": {"type": "integer"}}
        }
    return response


def _reference(section: str, name: str) -> JsonObject:
    return {"$ref": f"#/components/{section}/{name}"}
