"""API documents in: JSON or YAML, Swagger 2.0 to OpenAPI 3.2, one canonical form out (OpenAPI 3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from apis.design.json_types import Json, JsonObject, as_object, shorten
from apis.design.loading import MAX_DEPTH, MAX_DOCUMENT_BYTES, Format, load_tree
from apis.design.openapi30 import upgrade_document
from apis.design.operation_ids import GeneratedId, name_operations
from apis.design.problems import DesignError, Finding, refuse
from apis.design.references import settle_self
from apis.design.structure import has_structure
from apis.design.swagger2 import convert_document

__all__ = ["CANONICAL_VERSION", "MAX_DEPTH", "MAX_DOCUMENT_BYTES", "ParsedDocument", "parse_document"]

CANONICAL_VERSION = "3.1.0"
# Lines are looked up by reading the text once more; for larger documents the pointer must do.
MAX_LINE_BYTES = 1024 * 1024

_VERSION = re.compile(r"3\.([012])(\.\d+)?(-.+)?")


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document that could be read: source as it was written, document in its canonical 3.1 form.

    Both share values and must not be changed. version is the source's own ("2.0", "3.0.3").
    findings are those met while reading; validate_document gives all.
    """

    document: JsonObject
    source: JsonObject = field(repr=False)
    format: Format
    version: str
    text: str = field(repr=False)
    findings: tuple[Finding, ...]
    generated_ids: tuple[GeneratedId, ...]


def parse_document(data: bytes | str, *, media_type: str | None = None) -> ParsedDocument:
    """Read a document and bring it to canonical 3.1; raises DesignError when it is not one at all.

    Codes are those of load_tree, document-not-api and version-unsupported. A parsed document may still
    be wrong: ask validate_document.
    """
    loaded = load_tree(data, media_type)
    if not isinstance(loaded.tree, dict):
        message = f"An OpenAPI document is an object with the key openapi; this is {shorten(loaded.tree)}."
        raise refuse("document-not-api", message)
    source, version, remarks = _settle_texts(loaded.tree)
    named, generated = name_operations(_canonical(source, version))
    text = data if isinstance(data, str) else data.decode("utf-8", "replace") if len(data) < MAX_LINE_BYTES else ""
    return ParsedDocument(
        document=named,
        source=source,
        format=loaded.format,
        version=version,
        text=text if len(text) < MAX_LINE_BYTES else "",
        findings=(*loaded.findings, *remarks),
        generated_ids=generated,
    )


def _canonical(source: JsonObject, version: str) -> JsonObject:
    if version == "2.0":
        return convert_document(source)
    upgraded = upgrade_document(source) if version.startswith("3.0") else settle_self(source)
    canonical: JsonObject = {**upgraded, "openapi": CANONICAL_VERSION}
    if version.startswith("3.2") and not has_structure(canonical, CANONICAL_VERSION):
        # What only 3.2 can say (the query method) stays under its own version, so that it can be read again.
        return {**canonical, "openapi": "3.2.0"}
    return canonical


def _settle_texts(tree: JsonObject) -> tuple[JsonObject, str, list[Finding]]:
    """Return the tree with its two versions as text: YAML reads an unquoted 3.0 or 1.0 as a number."""
    key, version = _read_version(tree)
    remarks: list[Finding] = []
    if tree[key] != version:
        message = f"{key} is written as {shorten(tree[key])} and is read as {version}. Write {key}: '{version}'."
        remarks.append(Finding("version-format", "warn", message, f"/{key}"))
    settled: JsonObject = {**tree, key: version}
    info = as_object(tree.get("info"))
    own_version = info.get("version")
    if isinstance(own_version, int | float) and not isinstance(own_version, bool):
        message = f"info.version is the number {own_version} and is read as text. Put it in quotes: '{own_version}'."
        remarks.append(Finding("info-version-format", "warn", message, "/info/version"))
        settled["info"] = {**info, "version": str(own_version)}
    return settled, version, remarks


def _read_version(tree: JsonObject) -> tuple[str, str]:
    if "openapi" in tree:
        return "openapi", _read_openapi_version(tree["openapi"])
    if "swagger" in tree:
        if str(tree["swagger"]) in ("2.0", "2"):
            return "swagger", "2.0"
        raise _unsupported("swagger", tree["swagger"])
    raise _not_api(tree)


def _read_openapi_version(value: Json) -> str:
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    found = _VERSION.fullmatch(text.strip())
    if not found:
        raise _unsupported("openapi", value)
    return text if found[2] and text == text.strip() else f"3.{found[1]}{found[2] or '.0'}"


def _unsupported(key: str, value: Json) -> DesignError:
    message = f"{key} is {shorten(value)}; Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2 are read. Convert the document."
    return refuse("version-unsupported", message, f"/{key}")


def _not_api(tree: JsonObject) -> DesignError:
    if "asyncapi" in tree:
        message = "This is an AsyncAPI document. Gatehouse reads OpenAPI: export the HTTP part as OpenAPI 3.1."
    elif "item" in tree and "info" in tree:
        message = "This looks like a Postman collection. Export it as OpenAPI 3 and import that."
    elif "$schema" in tree:
        message = "This is a JSON Schema, not an OpenAPI document. Put it under components.schemas of one."
    else:
        message = "The document has no key openapi (or swagger). Begin it with openapi: 3.1.0, info and paths."
    return refuse("document-not-api", message)
