"""The JSON values a document is made of, and readers that bear any junk in them."""

from __future__ import annotations

from typing import TypeAlias, Union

Json: TypeAlias = Union[None, bool, int, float, str, list["Json"], dict[str, "Json"]]  # noqa: UP007
JsonObject: TypeAlias = dict[str, Json]


def as_object(value: Json) -> JsonObject:
    """Return value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """Return value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Json, default: str = "") -> str:
    """Return value when it is a string, else the default."""
    return value if isinstance(value, str) else default


def shorten(value: object, limit: int = 60) -> str:
    """Render a value for a message, cut at limit characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
