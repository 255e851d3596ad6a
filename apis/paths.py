"""Base paths: what an API's URL may begin with. Unique, fixed at first publication."""

from __future__ import annotations

import re

from common.errors import Invalid

# First segments that are Gatehouse's own, or may become so. docs and tests read this list.
RESERVED_SEGMENTS = frozenset(
    [
        "v1",
        "v1beta",
        "v1alpha",
        "providers",
        "mcp",
        "oauth",
        "problems",
        ".well-known",
        "livez",
        "readyz",
        "metrics",
        "api",
        "admin",
        "static",
        "collections",
    ]
)
MAX_SEGMENTS = 4
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9._~-]*")
_VERSION = re.compile(r"v[0-9]+")


def propose_base_path(team_slug: str, api_slug: str) -> str:
    """Return the path proposed for an API: `/{team}/{api}`."""
    head = f"{team_slug}-team" if team_slug in RESERVED_SEGMENTS or _VERSION.fullmatch(team_slug) else team_slug
    tail = f"{api_slug}-api" if _VERSION.fullmatch(api_slug) else api_slug
    return f"/{head}/{tail}"


def check_base_path(text: str) -> str:
    """Return a base path without its trailing slash; raise Invalid that names what is wrong with it."""
    path = text.strip().rstrip("/")
    if not path.startswith("/") or path == "":
        raise _invalid(f"{text or 'An empty path'} is no base path: begin with a slash, such as /payments/orders.")
    if len(path) > 200:
        raise _invalid("The base path is longer than 200 characters.")
    segments = path[1:].split("/")
    if len(segments) > MAX_SEGMENTS:
        raise _invalid(f"{path} has {len(segments)} segments; at most {MAX_SEGMENTS} are allowed.")
    for segment in segments:
        if not _SEGMENT.fullmatch(segment):
            raise _invalid(
                f"The segment {segment!r} of {path} is not allowed: use lower-case letters, digits, hyphens and dots."
            )
        if _VERSION.fullmatch(segment):
            raise _invalid(f"{path} holds {segment}: the version is added behind the base path by itself.")
    if segments[0] in RESERVED_SEGMENTS:
        raise _invalid(f"/{segments[0]} is reserved for Gatehouse itself. Begin with your team's name.")
    return path


def _invalid(detail: str) -> Invalid:
    return Invalid(detail, errors=[{"detail": detail, "pointer": "/base_path"}])
