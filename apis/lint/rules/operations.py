"""Rules on operations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from apis.design.json_types import as_list, as_object, as_text
from apis.lint.rule import Hit, Rule
from apis.lint.view import DocumentView, OperationView

LONGEST_SUMMARY = 100
CASES = {
    "camelCase": re.compile(r"[a-z]+(?:[A-Z0-9][a-z0-9]*)*"),
    "snake_case": re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*"),
    "kebab-case": re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*"),
    "PascalCase": re.compile(r"(?:[A-Z][a-z0-9]*)+"),
}
BODYLESS = {"get", "head", "delete"}
WRITES = {"post", "put", "patch", "delete"}


def case_of(text: str) -> str:
    """Return the case a name is written in, "" when it fits none; one word of lower case fits several."""
    return next((name for name, pattern in CASES.items() if pattern.fullmatch(text)), "")


def _summary(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if not as_text(operation.body.get("summary")).strip():
            yield operation.pointer, f"{operation.name} has no summary. Say in a few words what it does."


def _summary_length(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        length = len(as_text(operation.body.get("summary")))
        if length > LONGEST_SUMMARY:
            yield (
                f"{operation.pointer}/summary",
                (
                    f"The summary of {operation.name} has {length} characters. Keep it under {LONGEST_SUMMARY}; "
                    "the rest belongs in the description."
                ),
            )


def _description(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if not as_text(operation.body.get("description")).strip():
            yield (
                operation.pointer,
                f"{operation.name} has no description. Say what callers must know before they call.",
            )


def _tags(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if not as_list(operation.body.get("tags")):
            yield operation.pointer, f"{operation.name} has no tag. Tags are the chapters of the docs."


def _tags_defined(view: DocumentView) -> Iterator[Hit]:
    known = {as_text(as_object(tag).get("name")) for tag in as_list(view.document.get("tags"))}
    if not known:
        return
    for operation in view.operations:
        for index, tag in enumerate(as_list(operation.body.get("tags"))):
            if tag not in known:
                yield (
                    f"{operation.pointer}/tags/{index}",
                    f"The tag {tag!r} of {operation.name} is not described in tags.",
                )


def _id_casing(view: DocumentView) -> Iterator[Hit]:
    cases = Counter(case_of(as_text(operation.body.get("operationId"))) for operation in view.operations)
    cases.pop("", None)
    usual = cases.most_common(1)[0][0] if cases else "camelCase"
    for operation in view.operations:
        name = as_text(operation.body.get("operationId"))
        if name and not CASES[usual].fullmatch(name):
            yield (
                f"{operation.pointer}/operationId",
                f"{name!r} is not written in {usual} as the other operationIds are.",
            )


def _success(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if not any(status[:1] in "23" or status == "default" for status in operation.responses):
            yield operation.pointer, f"{operation.name} describes no success. Add a 2xx or 3xx response."


def _failure(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if not any(status[:1] in "45" or status == "default" for status in operation.responses):
            yield operation.pointer, f"{operation.name} describes no error. Say what callers get when it goes wrong."


def _missing_status(view: DocumentView, status: str, wanted: bool, why: str) -> Iterator[Hit]:
    for operation in view.operations:
        answers = operation.responses
        covered = {status, f"{status[0]}XX", f"{status[0]}xx", "default"} & set(answers)
        if wanted and not covered:
            yield operation.pointer, f"{operation.name} does not describe {status}: {why}"


def _too_many(view: DocumentView) -> Iterator[Hit]:
    yield from _missing_status(view, "429", True, "the gateway answers it when a plan's limit is used up.")


def _unauthorised(view: DocumentView) -> Iterator[Hit]:
    yield from _missing_status(view, "401", True, "the gateway answers it to a call without a good key.")


def _not_found(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        covered = {"404", "4XX", "4xx", "default"} & set(operation.responses)
        if "{" in operation.path and operation.method == "get" and not covered:
            yield (
                operation.pointer,
                f"{operation.name} does not describe 404, for what its path names may not be there.",
            )


def _sunset(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if operation.body.get("deprecated") is True and not operation.body.get("x-sunset"):
            yield operation.pointer, f"{operation.name} is deprecated without x-sunset. Say the day it may stop."


def _body_of_reads(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if operation.method in BODYLESS and "requestBody" in operation.body:
            method = operation.method.upper()
            yield (
                f"{operation.pointer}/requestBody",
                f"{operation.name}: a body of {method} means nothing (RFC 9110 §9.3).",
            )


def _no_content(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        for status in ("204", "304"):
            if view.resolve(operation.responses.get(status)).get("content"):
                yield (
                    f"{operation.pointer}/responses/{status}",
                    f"{operation.name} describes a body of {status}, which has none.",
                )


def _idempotency(view: DocumentView) -> Iterator[Hit]:
    for operation in view.operations:
        if operation.method == "post" and _creates(operation) and not _has_key(view, operation):
            yield (
                operation.pointer,
                (
                    f"{operation.name} creates something and takes no Idempotency-Key. A call repeated after a timeout "
                    "creates two."
                ),
            )


def _creates(operation: OperationView) -> bool:
    return "201" in operation.responses


def _has_key(view: DocumentView, operation: OperationView) -> bool:
    written = [*as_list(operation.item.get("parameters")), *as_list(operation.body.get("parameters"))]
    names = {as_text(view.resolve(parameter).get("name")).lower() for parameter in written}
    return "idempotency-key" in names


RULES = (
    Rule("operation-summary", "warn", "Operations have a summary",
         "Lists, menus and SDKs show it in place of the path.", _summary),
    Rule("operation-summary-length", "info", "Summaries are short",
         "A summary is a heading.", _summary_length),
    Rule("operation-description", "info", "Operations have a description",
         "What callers must know before they call: side effects, limits, order.", _description),
    Rule("operation-tags", "info", "Operations have a tag",
         "Without one an operation stands in no chapter of the docs.", _tags),
    Rule("operation-tag-defined", "info", "Tags of operations are described",
         "Where some tags are described, the others look like slips of the pen.", _tags_defined),
    Rule("operation-id-casing", "info", "operationIds are written alike",
         "They become names of functions and tools.", _id_casing),
    Rule("operation-success", "warn", "Operations describe a success",
         "A caller must know what comes back when all goes well.", _success),
    Rule("operation-failure", "warn", "Operations describe an error",
         "Errors are half of an API. Callers who know them handle them.", _failure),
    Rule("operation-401", "info", "401 is described",
         "Every call through the gateway can get it.", _unauthorised),
    Rule("operation-404", "info", "404 is described where a path names something",
         "What the path names may not be there.", _not_found),
    Rule("operation-429", "info", "429 is described",
         "Plans have limits; callers should expect Retry-After.", _too_many),
    Rule("operation-sunset", "warn", "Deprecated operations name their sunset",
         "Callers plan by dates. x-sunset is read by the gateway's headers and by other tools.", _sunset),
    Rule("operation-body-of-reads", "warn", "GET, HEAD and DELETE take no body",
         "Clients and proxies drop it (RFC 9110 §9.3).", _body_of_reads),
    Rule("operation-no-content", "warn", "204 and 304 have no body",
         "They cannot have one (RFC 9110 §15.3.5, §15.4.5).", _no_content),
    Rule("operation-idempotency-key", "info", "What creates takes an Idempotency-Key",
         "Networks repeat calls. The key makes the second harmless; the gateway can keep it for you.", _idempotency),
)  # fmt: skip
