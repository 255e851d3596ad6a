"""Renders a refusal: RFC 9457 problem+json, or the OpenAI SDK's shape on AI endpoints. The only place that does."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.dataplane.errors import GatewayError, Header

PROBLEM_TYPE: Header = (b"content-type", b"application/problem+json")
JSON_TYPE: Header = (b"content-type", b"application/json")

# The SDKs choose their exception by status; `type` is what their users read (OpenAI's own words).
OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    410: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


def help_url(console_url: str, code: str) -> str:
    """Return the page that explains a problem code."""
    return f"{console_url}/problems/{code}"


def problem_body(error: GatewayError, *, call_id: str, console_url: str) -> bytes:
    """Return the RFC 9457 body."""
    page = help_url(console_url, error.code)
    body: dict[str, Any] = {
        "type": error.type_uri or page,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": f"/calls/{call_id}",
        "code": error.code,
        "fault": error.fault,
        "request_id": call_id,
        "help": page,
    }
    body.update(error.extra)
    return orjson.dumps(body)


def openai_body(error: GatewayError, *, call_id: str, console_url: str) -> bytes:
    """Return the body OpenAI's SDKs read, with our code and help inside."""
    inner: dict[str, Any] = {
        "message": error.detail,
        "type": OPENAI_TYPES.get(error.status, "api_error"),
        "param": error.param or None,
        "code": error.code,
        "request_id": call_id,
        "help": help_url(console_url, error.code),
    }
    inner.update(error.extra)
    return orjson.dumps({"error": inner})


def render(error: GatewayError, *, call_id: str, console_url: str, is_ai: bool) -> tuple[list[Header], bytes]:
    """Return the headers (content type and the error's own) and the body of a refusal."""
    make, kind = (openai_body, JSON_TYPE) if is_ai else (problem_body, PROBLEM_TYPE)
    body = make(error, call_id=call_id, console_url=console_url)
    return [kind, *error.headers], body
