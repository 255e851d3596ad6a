"""Parameters of a prompt: found in its text, read from a form or the API, checked against each other. Pure."""

from __future__ import annotations

import re
from typing import Any

HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
ANY_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")
TYPES = ("string", "integer", "number", "boolean", "enum")
MAX_PARAMETERS = 50
MAX_VALUES, MAX_VALUE_CHARS = 200, 500


def find_parameters(*texts: str) -> list[str]:
    """Return the names that stand as `{{name}}` in the texts, in order of appearance, each once."""
    return list(dict.fromkeys(match[1] for text in texts for match in HOLE.finditer(text)))


def clean_parameters(given: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return parameters in their full form, and what is wrong with them as {detail, pointer}."""
    errors: list[dict[str, str]] = []
    if len(given) > MAX_PARAMETERS:
        errors.append(_error("", f"A prompt has at most {MAX_PARAMETERS} parameters, not {len(given)}."))
    rows = [_clean(index, item, errors) for index, item in enumerate(given[:MAX_PARAMETERS])]
    names = [row["name"] for row in rows]
    errors += [
        _error(f"/{index}/name", f"The parameter {name} is there twice.")
        for index, name in enumerate(names)
        if name in names[:index]
    ]
    return rows, errors


def _clean(index: int, item: dict[str, Any], errors: list[dict[str, str]]) -> dict[str, Any]:
    name, kind = str(item.get("name", "")), str(item.get("type") or "string")
    values, is_required = item.get("values") or [], item.get("is_required", True)
    if not NAME.match(name):
        errors.append(_error(f"/{index}/name", f"{name[:60]!r} is no name: use letters, digits and underscores."))
    if kind not in TYPES:
        errors.append(_error(f"/{index}/type", f"{kind[:60]!r} is no type: use {', '.join(TYPES)}."))
    if kind == "enum" and (problem := _values_problem(name, values)):
        errors.append(_error(f"/{index}/values", problem))
        values = []
    if not isinstance(is_required, bool):
        errors.append(_error(f"/{index}/is_required", f"Say true or false, not {str(is_required)[:60]!r}."))
    if unknown := set(item) - {"name", "type", "is_required", "default", "values", "description"}:
        errors.append(_error(f"/{index}", f"A parameter has no {', '.join(sorted(unknown))[:100]}."))
    row = {
        "name": name,
        "type": kind,
        "is_required": is_required is not False,
        "default": item.get("default"),
        "values": list(values) if kind == "enum" else [],
        "description": str(item.get("description") or "")[:500],
    }
    if row["default"] is not None and (problem := _default_problem(row)):
        errors.append(_error(f"/{index}/default", problem))
    return row


def _values_problem(name: str, values: Any) -> str:
    """Return what is wrong with the values of an enum."""
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        return f"The values of {name} are a list of texts."
    if not values:
        return f"The parameter {name} needs the values it may take."
    if len(values) > MAX_VALUES or any(len(value) > MAX_VALUE_CHARS for value in values):
        return f"{name} may take at most {MAX_VALUES} values of {MAX_VALUE_CHARS} characters."
    return f"A value of {name} is there twice." if len(set(values)) < len(values) else ""


def _default_problem(row: dict[str, Any]) -> str:
    value, kind = row["default"], row["type"]
    fits = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "enum": value in row["values"],
    }.get(kind, True)
    return "" if fits else f"The default {str(value)[:100]!r} of {row['name']} is no {kind}."


def template_problems(texts: dict[str, str], names: list[str]) -> list[dict[str, str]]:
    """Return what is wrong between texts and names: a name that is no parameter, braces without one, one not used."""
    problems: list[dict[str, str]] = []
    for field, text in texts.items():
        for match in ANY_BRACES.finditer(text):
            inner = match[1].strip()
            if not HOLE.fullmatch(match[0]):
                detail = f"{match[0][:60]} is no parameter: only a name may stand between the braces."
                problems.append(_error(f"/{field}", detail))
            elif inner not in names:
                known = ", ".join(names) or "none"
                detail = f"{{{{{inner}}}}} names a parameter that is not defined. Defined are: {known}."
                problems.append(_error(f"/{field}", detail))
    used = find_parameters(*texts.values())
    problems += [
        _error(
            f"/{index}/name", f"{name} stands nowhere in the text: write {{{{{name}}}}} where it goes, or remove it."
        )
        for index, name in enumerate(names)
        if NAME.match(name) and name not in used
    ]
    return problems


def _error(pointer: str, detail: str) -> dict[str, str]:
    prefix = "" if pointer.startswith(("/text", "/system")) else "/parameters"
    return {"detail": detail, "pointer": f"{prefix}{pointer}"}
