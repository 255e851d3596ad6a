"""References inside a document: local, resolvable, and leading somewhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text, shorten
from apis.design.pointers import (
    UnresolvedPointer,
    is_local,
    is_relative,
    join_pointer,
    resolve_parts,
    split_reference,
)
from apis.design.problems import Finding

# Fields whose values are data of the API, never parts of the description.
_DATA = frozenset({"example", "default", "enum", "const", "value", "x-example"})
# Fields whose keys are names given by the author: "default" or "example" means nothing special there.
_NAMED = frozenset(
    {
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "paths", "webhooks", "responses",
        "parameters", "headers", "schemas", "requestBodies", "securitySchemes", "securityDefinitions", "links",
        "callbacks", "content", "encoding", "pathItems", "examples", "variables", "mediaTypes",
    }
)  # fmt: skip

_Trail = tuple["_Trail | None", str | int]


def find_references(document: JsonObject) -> Iterator[tuple[str, list[str | int]]]:
    """Yield each $ref of the description with the path of the object that holds it."""
    is_swagger = "swagger" in document
    stack: list[tuple[Json, _Trail | None, bool]] = [(document, None, False)]
    while stack:
        value, trail, is_named = stack.pop()
        if isinstance(value, list):
            stack.extend((inner, (trail, i), False) for i, inner in enumerate(value) if isinstance(inner, dict | list))
            continue
        for key, inner in as_object(value).items():
            if key == "$ref" and isinstance(inner, str) and not is_named:
                yield inner, _path(trail)
            elif isinstance(inner, dict | list) and (is_named or not _is_data(key, inner, is_swagger)):
                stack.append((inner, (trail, key), not is_named and key in _NAMED and isinstance(inner, dict)))


def _is_data(key: str, value: Json, is_swagger: bool) -> bool:
    if key == "examples":
        return is_swagger or isinstance(value, list)
    return key in _DATA or (key.startswith("x-") and key != "x-webhooks")


def _path(trail: _Trail | None) -> list[str | int]:
    parts: list[str | int] = []
    while trail is not None:
        parts.append(trail[1])
        trail = trail[0]
    return parts[::-1]


def check_references(document: JsonObject) -> list[Finding]:
    """Refuse remote, unresolved and circular references; recursion through a schema's parts is legal."""
    findings: list[Finding] = []
    verdicts: dict[str, tuple[str, str] | None] = {}
    for reference, path in find_references(document):
        if reference not in verdicts:
            verdicts[reference] = _judge(document, reference)
        verdict = verdicts[reference]
        if verdict is not None:
            code, message = verdict
            findings.append(Finding(code, "error", message, join_pointer([*path, "$ref"])))
    return findings


def settle_self(document: JsonObject) -> JsonObject:
    """Return a document whose references by its own `$self` are local ones (OpenAPI 3.2 §4.1); else the same object."""
    own = as_text(document.get("$self"))
    if not own or all(local_of(own, reference) == reference for reference, _ in find_references(document)):
        return document
    settled: JsonObject = copy.deepcopy(document)
    for reference, path in list(find_references(settled)):
        holder = resolve_parts(settled, [str(part) for part in path])
        as_object(holder)["$ref"] = local_of(own, reference)
    return settled


def local_of(own: str, reference: str) -> str:
    """Return a reference without the document's own address before its fragment."""
    return reference.removeprefix(own) if own and reference.startswith(f"{own}#") else reference


def _judge(document: JsonObject, reference: str) -> tuple[str, str] | None:
    shown = shorten(reference, 100)
    reference = local_of(as_text(document.get("$self")), reference)
    if not is_local(reference):
        if is_relative(reference):
            message = f"The reference {shown} names another file. Import the files together as a zip archive."
            return "reference-file", message
        message = f"The reference {shown} leaves the document. Put its target under components and write #/components/…"
        return "reference-remote", message
    try:
        target = resolve_parts(document, split_reference(reference))
    except UnresolvedPointer:
        return "reference-unresolved", f"The reference {shown} names nothing. Correct it or add what it names."
    if _comes_back(document, reference, target):
        message = f"The reference {shown} only leads back to itself. Put a schema or object where the circle closes."
        return "reference-cycle", message
    return None


def _comes_back(document: JsonObject, reference: str, target: Json) -> bool:
    """Follow $ref and allOf alone from the target: coming back means that nothing is ever described."""
    start = split_reference(reference)
    seen: set[str] = set()
    pending = _direct_references(target)
    while pending:
        following = pending.pop()
        if not is_local(following) or following in seen:
            continue
        seen.add(following)
        if split_reference(following) == start:
            return True
        try:
            pending.extend(_direct_references(resolve_parts(document, split_reference(following))))
        except UnresolvedPointer:
            continue
    return False


def _direct_references(value: Json) -> list[str]:
    found: list[str] = []
    pending = [as_object(value)]
    while pending:
        current = pending.pop()
        reference = current.get("$ref")
        if isinstance(reference, str):
            found.append(reference)
        pending.extend(as_object(part) for part in as_list(current.get("allOf")))
    return found
