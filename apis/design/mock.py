"""Answers made from a document alone: its examples, else what fits its schemas."""

from __future__ import annotations

import json
from dataclasses import dataclass

from apis.design.example import example_for
from apis.design.json_types import Json, JsonObject, as_object, as_text
from apis.design.media import example_body, media_object, stream_text, unknown_example, written_example
from apis.design.operations import walk_operations
from apis.design.pointers import follow_references

FIRST_STATUS, LAST_STATUS = 100, 599


class NoMock(LookupError):
    """The document says nothing that an answer could be made of; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class MockAnswer:
    """An answer to send: `media_type` is "" where there is no body."""

    status: int
    media_type: str
    body: bytes
    operation_id: str
    headers: tuple[tuple[str, str], ...] = ()


def mock_answer(
    document: JsonObject, method: str, path: str, *, status: int | None = None, example: str = ""
) -> MockAnswer:
    """Return what an operation would answer: its first success, or the status asked for; an example by its name.

    Raise NoMock for a path, method, status or example that the document does not have.
    """
    operation = _find(document, method, path)
    code, written = _response(operation, status)
    response = as_object(follow_references(document, written))
    media_type, body = _body(document, response, example)
    headers = tuple(_headers(document, response))
    return MockAnswer(code, media_type, body, as_text(operation.get("operationId")), headers)


def _find(document: JsonObject, method: str, path: str) -> JsonObject:
    asked = _segments(path)
    found: list[tuple[int, JsonObject]] = []
    methods: set[str] = set()
    for template, known, _, operation in walk_operations(document):
        segments = _segments(template)
        if _fits(segments, asked):
            methods.add(known.upper())
            if known == method.lower() or (method == "HEAD" and known == "get"):
                # Of two that fit, the one that names more of the path is meant.
                found.append((sum("{" in segment for segment in segments), operation))
    if found:
        return min(found, key=lambda item: item[0])[1]
    if methods:
        raise NoMock(f"{path} has no {method}; it has {', '.join(sorted(methods))}.")
    raise NoMock(f"The document has no operation at {path}.")


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _fits(template: list[str], path: list[str]) -> bool:
    return len(template) == len(path) and all(
        "{" in known or known == asked for known, asked in zip(template, path, strict=True)
    )


def _response(operation: JsonObject, status: int | None) -> tuple[int, Json]:
    responses = as_object(operation.get("responses"))
    if status is not None:
        for name in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if name in responses:
                return status, responses[name]
        known = ", ".join(responses) or "none"
        raise NoMock(f"The operation describes no {status}; it describes {known}.")
    for name, response in responses.items():
        if name[:1] == "2":
            return int(name) if name.isdecimal() else 200, response
    if "default" in responses:
        return 200, responses["default"]
    if not responses:
        raise NoMock("The operation describes no response.")
    first = next(iter(responses))
    return int(first) if first.isdecimal() else 500, responses[first]


def _body(document: JsonObject, response: JsonObject, example: str) -> tuple[str, bytes]:
    content = as_object(response.get("content"))
    if not content:
        return "", b""
    # Plain JSON first: a stream of it is what callers have to ask for.
    kinds = sorted(content, key=lambda name: (stream_text(name, "") is not None, "json" not in name))
    media = {name: media_object(document, content[name]) for name in kinds}
    media_type = next((name for name in kinds if example in as_object(media[name].get("examples"))), kinds[0])
    if example and not written_example(document, media[media_type], example)[0]:
        raise NoMock(unknown_example(media[media_type], example))
    value = example_body(document, media[media_type], "response", example)
    text = stream_text(media_type, value)
    if text is None:
        is_text = isinstance(value, str) and "json" not in media_type
        text = str(value) if is_text else json.dumps(value, ensure_ascii=False, indent=2)
    return media_type, text.encode("utf-8", "surrogatepass")


def _headers(document: JsonObject, response: JsonObject) -> list[tuple[str, str]]:
    found = []
    for name, written in as_object(response.get("headers")).items():
        header = as_object(follow_references(document, written))
        value = header.get("example", example_for(header.get("schema"), document, direction="response"))
        text = value if isinstance(value, str) else json.dumps(value)
        if name.lower() not in ("content-type", "content-length") and text.isprintable() and text.isascii():
            found.append((name, text))
    return found
