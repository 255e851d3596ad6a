"""The OpenAPI document of the built-in API `ai`: the shapes are those of OpenAI's chat completions API."""

from __future__ import annotations

from typing import Any


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "content": _json(_ref("Error"))}


_ERRORS = {
    "400": _error("The request cannot be read."),
    "401": _error("The key is missing or not good."),
    "403": _error("The key has no subscription to this API, or its plan does not allow the call."),
    "404": _error("No model of this name may be used with this key."),
    "429": _error("A limit of the plan is used up; Retry-After says when to call again."),
    "502": _error("The model's provider answered with an error."),
    "503": _error("The provider, or a part of the gateway, is not available."),
}
_USAGE = {
    "type": "object",
    "properties": {
        "prompt_tokens": {"type": "integer"},
        "completion_tokens": {"type": "integer"},
        "total_tokens": {"type": "integer"},
    },
}
_MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"type": "string", "enum": ["system", "user", "assistant", "tool"]},
        "content": {"type": ["string", "array", "null"], "description": "Text, or parts as the model takes them."},
    },
}
_CHAT_REQUEST = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {"type": "string", "description": "`{provider}/{model}` or an alias; GET /models lists the names."},
        "messages": {"type": "array", "minItems": 1, "items": _ref("Message")},
        "max_tokens": {"type": "integer", "minimum": 1, "description": "The most tokens of the answer."},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "stream": {"type": "boolean", "default": False, "description": "Answer as server-sent events."},
    },
    "example": {
        "model": "demo/smollm2-135m",
        "messages": [{"role": "user", "content": "Say hello in one short sentence."}],
        "max_tokens": 40,
    },
}
_CHAT_ANSWER = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "object": {"type": "string"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "choices": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer"},
                    "message": _ref("Message"),
                    "finish_reason": {"type": ["string", "null"]},
                },
            },
        },
        "usage": _ref("Usage"),
    },
}
_MODELS = {
    "type": "object",
    "properties": {
        "object": {"type": "string"},
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "object": {"type": "string"},
                    "owned_by": {"type": "string"},
                },
            },
        },
    },
}
_CALL = {
    "type": "object",
    "description": "One settled call: its status, tokens and cost in nano-USD.",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "status": {"type": "integer"},
        "model": {"type": "string"},
        "cost_nano_usd": {"type": "integer"},
    },
}
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
                "request_id": {"type": "string"},
                "help": {"type": "string", "format": "uri"},
            },
        }
    },
}
AI_DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "AI models",
        "version": "1.0.0",
        "description": (
            "One key and one request format for every model of this installation. The OpenAI client libraries work "
            "unmodified: set their base URL to this API and their key to your Gatehouse key."
        ),
    },
    "tags": [{"name": "Chat"}, {"name": "Models"}, {"name": "Calls"}],
    "paths": {
        "/chat/completions": {
            "post": {
                "operationId": "createChatCompletion",
                "summary": "Answer a conversation",
                "description": "Sends the messages to the model and returns its answer, at once or as a stream.",
                "tags": ["Chat"],
                "requestBody": {"required": True, "content": _json(_ref("ChatRequest"))},
                "responses": {
                    "200": {
                        "description": "The answer. With `stream: true` it comes as server-sent events.",
                        "content": {**_json(_ref("ChatAnswer")), "text/event-stream": {"schema": {"type": "string"}}},
                    },
                    **_ERRORS,
                },
            }
        },
        "/models": {
            "get": {
                "operationId": "listModels",
                "summary": "List the models this key may use",
                "tags": ["Models"],
                "responses": {
                    "200": {"description": "The models.", "content": _json(_ref("Models"))},
                    "401": _ERRORS["401"],
                    "403": _ERRORS["403"],
                },
            }
        },
        "/calls/{call_id}": {
            "get": {
                "operationId": "getCall",
                "summary": "What a call used and cost",
                "description": "Known for an hour to the key that made the call; the cost of a stream is here.",
                "tags": ["Calls"],
                "parameters": [
                    {
                        "name": "call_id",
                        "in": "path",
                        "required": True,
                        "description": "The X-Request-Id of the call.",
                        "schema": {"type": "string", "format": "uuid"},
                    }
                ],
                "responses": {
                    "200": {"description": "The call.", "content": _json(_ref("Call"))},
                    "401": _ERRORS["401"],
                    "404": _error("No settled call of this id was made with this key within the hour."),
                },
            }
        },
    },
    "components": {
        "schemas": {
            "ChatRequest": _CHAT_REQUEST,
            "ChatAnswer": _CHAT_ANSWER,
            "Message": _MESSAGE,
            "Usage": _USAGE,
            "Models": _MODELS,
            "Call": _CALL,
            "Error": _ERROR,
        }
    },
}
