"""Everything that is wrong or remarkable in a document, structure and meaning."""

from __future__ import annotations

from collections.abc import Iterator

from apis.design.document import ParsedDocument
from apis.design.json_types import JsonObject, as_list, as_object, shorten
from apis.design.lines import number_lines
from apis.design.openapi30 import METHODS
from apis.design.paths import check_paths
from apis.design.pointers import join_pointer
from apis.design.problems import DesignError, Finding, cap_findings
from apis.design.references import check_references
from apis.design.structure import check_structure

_RANKS = {"error": 0, "warn": 1, "info": 2}


def validate_document(parsed: ParsedDocument) -> list[Finding]:
    """Return all findings, errors first; pointers and lines are those of the source as it was written."""
    findings = [
        *parsed.findings,
        *check_structure(parsed.source, parsed.version),
        *check_references(parsed.source),
        *check_paths(parsed.source),
        *_check_security(parsed.source),
        *_remark_reach(parsed.source),
        *_remark_ids(parsed),
    ]
    numbered = number_lines(cap_findings(findings), parsed.text)
    return sorted(numbered, key=lambda finding: _RANKS[finding.severity])


def require_valid(parsed: ParsedDocument) -> list[Finding]:
    """Return the warnings and remarks of a valid document; raises DesignError with the errors of another."""
    findings = validate_document(parsed)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise DesignError(errors)
    return findings


def _check_security(document: JsonObject) -> Iterator[Finding]:
    section = document.get("securityDefinitions", as_object(document.get("components")).get("securitySchemes"))
    defined = as_object(section)
    requirements = [(["security"], document.get("security"))]
    for path, item in as_object(document.get("paths")).items():
        for method in METHODS:
            operation = as_object(as_object(item).get(method))
            if "security" in operation:
                requirements.append((["paths", path, method, "security"], operation["security"]))
    for where, listed in requirements:
        for index, requirement in enumerate(as_list(listed)):
            for name in as_object(requirement):
                if name not in defined:
                    message = f"The security scheme {shorten(name)} is not defined. Define it or drop the requirement."
                    yield Finding("security-undefined", "warn", message, join_pointer([*where, index, name]))


def _remark_reach(document: JsonObject) -> Iterator[Finding]:
    """Name what is kept in the document but neither routed nor shown."""
    paths = as_object(document.get("paths"))
    if not any(method in as_object(item) or "$ref" in as_object(item) for item in paths.values() for method in METHODS):
        where = "/paths" if "paths" in document else ""
        yield Finding("no-operations", "warn", "The document has no operation. Add one under paths.", where)
    if as_object(document.get("webhooks")):
        yield Finding("webhooks-unserved", "info", "Webhooks are kept in the document but not served.", "/webhooks")
    for path, item in paths.items():
        if as_object(as_object(item).get("additionalOperations")):
            message = f"additionalOperations of {shorten(path)} are kept as written, but neither served nor compared. "
            message += "Use one of the named methods, query among them."
            yield Finding("method-unserved", "warn", message, join_pointer(["paths", path, "additionalOperations"]))


def _remark_ids(parsed: ParsedDocument) -> Iterator[Finding]:
    for generated in parsed.generated_ids:
        message = f"The operation has no operationId and is called {generated.operation_id}. Write one to choose it."
        yield Finding("operation-id-generated", "info", message, generated.pointer)
