"""Paths, their parameters and the names of their operations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text, shorten
from apis.design.openapi30 import METHODS
from apis.design.pointers import follow_references, join_pointer
from apis.design.problems import Finding

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_ENCODED = re.compile(r"%(?:2f|5c|2e|00)", re.IGNORECASE)
_NOT_IN_PATH = re.compile(r"[\s?#\\\x00-\x1f\x7f]")


def template_names(path: str) -> list[str]:
    """Return the names between braces, in order."""
    return _TEMPLATE.findall(path)


def template_shape(path: str) -> str:
    """Return the path with its names taken out: two paths of one shape match the same requests."""
    return _TEMPLATE.sub("{}", path)


def check_paths(document: JsonObject) -> list[Finding]:
    """Check the form of each path, its parameters, clashes of templates and duplicate operation ids."""
    findings: list[Finding] = []
    shapes: dict[tuple[str, str], str] = {}
    ids: dict[str, str] = {}
    for path, item in _items(document):
        pointer = join_pointer(["paths", path])
        problem = _path_problem(path)
        if problem:
            findings.append(Finding(problem[0], "error", problem[1], pointer))
            continue
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            where = f"{pointer}/{method}"
            findings += _check_parameters(document, path, item, operation, where)
            findings += _check_clash(path, method, where, shapes)
            findings += _check_id(operation, where, ids)
    return findings


def _items(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for path, item in as_object(document.get("paths")).items():
        if not path.startswith("x-"):
            yield path, as_object(follow_references(document, item))


def _path_problem(path: str) -> tuple[str, str] | None:
    shown = shorten(path, 100)
    if not path.startswith("/"):
        return "path-format", f"The path {shown} does not begin with a slash. Write /{path[:90]}."
    segments = path.split("/")
    if any(segment in (".", "..") for segment in segments):
        return "path-dots", f"The path {shown} holds a . or .. segment, which clients resolve away. Write the path out."
    if _ENCODED.search(path):
        return "path-encoded", f"The path {shown} holds an encoded slash, dot or NUL. Use a parameter or plain text."
    if _NOT_IN_PATH.search(path):
        hint = "Declare query parameters under parameters." if "?" in path else "Remove it."
        return "path-format", f"The path {shown} holds a space, ?, #, backslash or control character. {hint}"
    rest = _TEMPLATE.sub("", path)
    if "{" in rest or "}" in rest or "{}" in path or any("/" in name for name in template_names(path)):
        return "path-format", f"The braces in the path {shown} do not name parameters. Write each as {{name}}."
    names = template_names(path)
    if len(set(names)) != len(names):
        return "path-format", f"A parameter stands twice in the path {shown}. Give each its own name."
    return None


def _check_parameters(
    document: JsonObject, path: str, item: JsonObject, operation: JsonObject, where: str
) -> list[Finding]:
    findings: list[Finding] = []
    own = _declared(document, operation.get("parameters"), where, findings)
    shared = _declared(document, item.get("parameters"), where, [])
    declared = {name for name, place in [*own, *shared] if place == "path"}
    used = template_names(path)
    for name in used:
        if name not in declared:
            message = f"The parameter {{{name}}} of {shorten(path)} is not declared. Declare it with in: path."
            findings.append(Finding("path-parameter-undeclared", "error", message, where))
    for name in sorted(declared.difference(used)):
        message = f"The path parameter {shorten(name)} is declared, but {shorten(path)} does not hold {{{name[:60]}}}."
        findings.append(
            Finding("path-parameter-unused", "error", f"{message} Remove it or put it into the path.", where)
        )
    return findings


def _declared(document: JsonObject, parameters: Json, where: str, findings: list[Finding]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for index, parameter in enumerate(as_list(parameters)):
        target = as_object(follow_references(document, parameter))
        key = (as_text(target.get("name")), as_text(target.get("in")))
        if key in found and key[0]:
            message = f"The {key[1]} parameter {shorten(key[0])} is declared twice. Remove one of them."
            findings.append(Finding("duplicate-parameter", "error", message, f"{where}/parameters/{index}"))
        found.add(key)
    return found


def _check_clash(path: str, method: str, where: str, shapes: dict[tuple[str, str], str]) -> list[Finding]:
    key = (method, template_shape(path))
    first = shapes.setdefault(key, path)
    if first == path:
        return []
    message = (
        f"{method.upper()} {shorten(path)} and {shorten(first)} match the same requests. "
        "Give both the same parameter names and merge them, or change one path."
    )
    return [Finding("path-clash", "error", message, where)]


def _check_id(operation: JsonObject, where: str, ids: dict[str, str]) -> list[Finding]:
    operation_id = operation.get("operationId")
    if not isinstance(operation_id, str) or not operation_id.strip():
        return []
    first = ids.setdefault(operation_id, where)
    if first == where:
        return []
    message = f"The operationId {shorten(operation_id)} stands at {first} and again at {where}. Rename one of them."
    return [Finding("duplicate-operation-id", "error", message, f"{where}/operationId")]
