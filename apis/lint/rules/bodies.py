"""Rules on requests and responses."""

from __future__ import annotations

from collections.abc import Iterator

from apis.design.json_types import as_object, as_text
from apis.design.media import body_schema
from apis.design.pointers import join_pointer
from apis.lint.rule import Hit, Rule
from apis.lint.view import DocumentView

PROBLEM = "application/problem+json"


def _description(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        for status, written in operation.responses.items():
            response = view.resolve(written)
            # OpenAPI 3.2 lets a summary do.
            if not (as_text(response.get("description")) + as_text(response.get("summary"))).strip():
                yield (
                    f"{operation.pointer}/responses/{status}",
                    f"The response {status} of {operation.name} is not described.",
                )


def _schema(view: DocumentView) -> Iterator[Hit]:
    for pointer, content in view.contents:
        for media, value in content.items():
            if "json" in media and not body_schema(as_object(value))[1]:
                yield f"{pointer}{join_pointer([media])}", f"{media} has no schema: callers cannot know what is in it."


def _example(view: DocumentView) -> Iterator[Hit]:
    for pointer, content in view.contents:
        for media, value in content.items():
            body = as_object(value)
            schema = view.resolve(body.get("schema"))
            if (
                "json" in media
                and schema
                and not ({"example", "examples"} & set(body) or "example" in schema or "examples" in schema)
            ):
                yield (
                    f"{pointer}{join_pointer([media])}",
                    f"{media} has no example. Mock answers and samples are made of it.",
                )


def _problem(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        for status, written in operation.responses.items():
            content = as_object(view.resolve(written).get("content"))
            if status[:1] in "45" and content and PROBLEM not in content:
                yield (
                    f"{operation.pointer}/responses/{status}",
                    (f"The error {status} of {operation.name} is not {PROBLEM} (RFC 9457)."),
                )


def _request_described(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if operation.method in ("put", "patch") and "requestBody" not in operation.body:
            yield operation.pointer, f"{operation.name} changes something and describes no body."


def _array(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        for status, written in operation.responses.items():
            if status[:1] != "2":
                continue
            for media, value in as_object(view.resolve(written).get("content")).items():
                if view.resolve(as_object(value).get("schema")).get("type") == "array":
                    yield (
                        f"{operation.pointer}/responses/{status}/content{join_pointer([media])}",
                        (f"{operation.name} answers a bare array. An object can be extended without a break."),
                    )


RULES = (
    Rule("response-description", "warn", "Responses are described",
         "Say when this status comes.", _description),
    Rule("content-schema", "warn", "JSON has a schema",
         "Without one neither callers nor the comparison of revisions know what is in it.", _schema),
    Rule("content-example", "info", "JSON has an example",
         "Mock answers, samples and docs are made of it.", _example),
    Rule("error-problem-json", "info", "Errors are problem documents",
         "One form for all errors, the gateway's included (RFC 9457).", _problem),
    Rule("request-body", "info", "PUT and PATCH describe their body",
         "Callers must know what to send.", _request_described),
    Rule("response-bare-array", "info", "Lists are answered in an object",
         "A bare array cannot carry a cursor, a total or anything else later on.", _array),
)  # fmt: skip
