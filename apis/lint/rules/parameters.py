"""Rules on parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from apis.design.json_types import as_object, as_text
from apis.lint.rule import Hit, Rule
from apis.lint.rules.operations import CASES, case_of
from apis.lint.view import DocumentView

# OpenAPI 3.1 §4.8.12.1: parameters of these names are ignored.
IGNORED = {"accept", "content-type", "authorization"}
PAGE_SIZES = {
    "limit",
    "page_size",
    "pagesize",
    "per_page",
    "perpage",
    "size",
    "count",
    "max_results",
    "maxresults",
    "top",
}


def _description(view: DocumentView) -> Iterator[Hit]:
    for parameter in view.parameters:
        if not as_text(parameter.body.get("description")).strip():
            yield parameter.pointer, f"The parameter {parameter.name!r} of {parameter.where} has no description."


def _casing(view: DocumentView) -> Iterator[Hit]:
    names = [parameter.name for parameter in view.parameters if parameter.place == "query"]
    cases = Counter(case for name in names if (case := case_of(name)) and not name.islower() or "_" in name)
    usual = cases.most_common(1)[0][0] if cases else ""
    for parameter in view.parameters:
        if parameter.place == "query" and usual in CASES and not CASES[usual].fullmatch(parameter.name):
            yield parameter.pointer, f"{parameter.name!r} is not written in {usual} as the other query parameters are."


def _ignored(view: DocumentView) -> Iterator[Hit]:
    for parameter in view.parameters:
        if parameter.place == "header" and parameter.name.lower() in IGNORED:
            yield (
                parameter.pointer,
                f"The header {parameter.name} cannot be a parameter: OpenAPI ignores it. Use security.",
            )


def _typed(view: DocumentView) -> Iterator[Hit]:
    for parameter in view.parameters:
        schema = view.resolve(parameter.body.get("schema"))
        if not parameter.body.get("content") and not set(schema) & {"type", "enum", "const", "oneOf", "anyOf", "allOf"}:
            yield parameter.pointer, f"The parameter {parameter.name!r} of {parameter.where} has no type."


def _bounded(view: DocumentView) -> Iterator[Hit]:
    for parameter in view.parameters:
        schema = view.resolve(parameter.body.get("schema"))
        is_size = parameter.place == "query" and parameter.name.lower().replace("-", "_") in PAGE_SIZES
        if is_size and schema.get("type") == "integer" and not set(schema) & {"maximum", "exclusiveMaximum", "enum"}:
            yield (
                parameter.pointer,
                f"{parameter.name!r} of {parameter.where} has no maximum. One call could ask for all.",
            )


def _example(view: DocumentView) -> Iterator[Hit]:
    for parameter in view.parameters:
        schema = as_object(parameter.body.get("schema"))
        shown = {"example", "examples"} & set(parameter.body) or {"example", "examples", "enum", "default"} & set(
            schema
        )
        if parameter.body.get("required") is True and not shown and "$ref" not in schema:
            yield parameter.pointer, f"The required parameter {parameter.name!r} of {parameter.where} has no example."


RULES = (
    Rule("parameter-description", "info", "Parameters are described",
         "A name is not enough to know a unit, a format or a default.", _description),
    Rule("parameter-casing", "info", "Query parameters are written alike",
         "Callers should not have to look up how each is spelled.", _casing),
    Rule("parameter-ignored", "warn", "Accept, Content-Type and Authorization are no parameters",
         "OpenAPI ignores them there: say it by content and security.", _ignored),
    Rule("parameter-type", "warn", "Parameters have a type",
         "Without one nothing can be checked, and docs cannot show a form.", _typed),
    Rule("parameter-page-size", "warn", "Page sizes have a maximum",
         "Without one a single call can ask for everything.", _bounded),
    Rule("parameter-example", "info", "Required parameters have an example",
         "Samples and try-it are filled with it.", _example),
)  # fmt: skip
