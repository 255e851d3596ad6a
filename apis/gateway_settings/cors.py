"""Block `cors`: which web pages may call the API from a browser. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.records import CorsRecord

FIELDS = {"origins", "methods", "headers", "expose", "credentials", "max_age_seconds"}
ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?")
METHOD = re.compile(r"[A-Z]{1,20}")


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, FIELDS)
    origins = block.get("origins")
    if origins is None or not origins:
        yield Problem("/origins", "Name the origins, such as https://app.example.com, or '*' for all.")
    else:
        yield from values.text_list(origins, "/origins")
        for index, origin in enumerate(origins if isinstance(origins, list) else ()):
            if isinstance(origin, str) and origin != "*" and not ORIGIN.fullmatch(origin):
                yield Problem(
                    f"/origins/{index}", f"{values.show(origin)} is no origin such as https://app.example.com."
                )
    for name in ("methods", "headers", "expose"):
        yield from values.text_list(block.get(name, ["X"]), f"/{name}")
    for index, method in enumerate(block.get("methods", []) if isinstance(block.get("methods"), list) else ()):
        if isinstance(method, str) and not METHOD.fullmatch(method):
            yield Problem(f"/methods/{index}", f"{values.show(method)} is no method such as GET.")
    yield from values.truth(block.get("credentials", False), "/credentials")
    if block.get("credentials") is True and isinstance(origins, list) and "*" in origins:
        yield Problem(
            "/credentials", "Credentials and the origin '*' together would let every page act as its visitor."
        )
    yield from values.number(block.get("max_age_seconds", 600), "/max_age_seconds", 0, 86_400, is_whole=True)


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    record = CorsRecord(
        origins=tuple(block["origins"]),
        methods=tuple(block.get("methods", ())),
        headers=tuple(block.get("headers", ("*",))),
        exposed_headers=tuple(block.get("expose", ())),
        allows_credentials=block.get("credentials", False),
        max_age_seconds=block.get("max_age_seconds", 600),
    )
    return {"cors": record}
