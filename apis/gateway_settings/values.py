"""Reads values of a block: each reader yields a problem that names the value and what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apis.gateway_settings.problem import Problem


def show(value: Any) -> str:
    """Return a value as a message shows it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def unknown_fields(
    value: Mapping[str, Any], known: Mapping[str, Any] | set[str], pointer: str = ""
) -> Iterator[Problem]:
    """Yield a problem for each field that is not known."""
    for name in value:
        if name not in known:
            yield Problem(f"{pointer}/{name}", f"{show(name)} is not a field here; {', '.join(sorted(known))} are.")


def number(value: Any, pointer: str, least: float, most: float, *, is_whole: bool = False) -> Iterator[Problem]:
    """Yield a problem unless the value is a number within the bounds."""
    kinds = (int,) if is_whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        what = "a whole number" if is_whole else "a number"
        yield Problem(pointer, f"{show(value)} is not {what} from {least:g} to {most:g}.")


def one_of(value: Any, pointer: str, choices: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem unless the value is one of the choices."""
    if value not in choices:
        yield Problem(pointer, f"{show(value)} is not one of {', '.join(choices)}.")


def truth(value: Any, pointer: str) -> Iterator[Problem]:
    """Yield a problem unless the value is true or false."""
    if not isinstance(value, bool):
        yield Problem(pointer, f"{show(value)} is neither true nor false.")


def mapping(value: Any, pointer: str) -> Iterator[Problem]:
    """Yield a problem unless the value is an object."""
    if not isinstance(value, dict):
        yield Problem(pointer, f"{show(value)} is not an object with fields.")


def text_list(value: Any, pointer: str, most: int = 100) -> Iterator[Problem]:
    """Yield a problem unless the value is a short list of texts."""
    if not isinstance(value, list) or len(value) > most or not all(isinstance(item, str) and item for item in value):
        yield Problem(pointer, f"{show(value)} is not a list of at most {most} texts.")


# Fields of the message itself or of its hop, and those the gateway says itself: nobody may set them (RFC 9110 §7.6.1).
OWN_HEADERS = frozenset(
    {
        "connection", "content-length", "date", "expect", "forwarded", "host", "http2-settings", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "ratelimit", "ratelimit-policy", "te",
        "trailer", "transfer-encoding", "upgrade", "via", "x-request-id",
    }
)  # fmt: skip
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def header_name(name: Any, pointer: str) -> Iterator[Problem]:
    """Yield a problem unless this is the name of a field that may be set."""
    if not isinstance(name, str) or not name or not TOKEN.issuperset(name):
        yield Problem(pointer, f"{show(name)} is not the name of a header.")
    elif name.lower() in OWN_HEADERS or name.lower().startswith(("x-forwarded-", "gatehouse-")):
        yield Problem(pointer, f"{show(name)} is set by the gateway itself.")


def header(name: Any, value: Any, pointer: str) -> Iterator[Problem]:
    """Yield a problem unless this is a header that may be set: printable text, no line break."""
    yield from header_name(name, pointer)
    if not isinstance(value, str) or not all(" " <= char <= "~" for char in value) or len(value) > 4000:
        yield Problem(pointer, f"{show(value)} is not a header's value: printable ASCII in one line.")
