"""Which file of an archive is the document."""

from __future__ import annotations

import posixpath
import re

from apis.design.json_types import shorten
from apis.design.loading import load_tree
from apis.design.problems import DesignError, refuse

_LOOKS_LIKE = re.compile(rb"""(?:^|[{,\n\r\xef\xbb\xbf])[ \t]*["']?(?:openapi|swagger)["']?[ \t]*:""")
_USUAL = re.compile(r"(?:openapi|swagger)\.(?:json|ya?ml)", re.IGNORECASE)
_MOST_NAMED = 20


def find_root(files: dict[str, bytes], wanted: str = "") -> str:
    """Return the name of the document's root: the one wanted, the only one, or the usual name nearest the top.

    Raise DesignError (archive-root) that lists what could be meant.
    """
    if wanted:
        name = posixpath.normpath(wanted.strip().lstrip("/"))
        if name in files:
            return name
        raise refuse("archive-root", f"There is no {shorten(wanted)} in the archive. It holds {_listed(list(files))}.")
    roots = [name for name, data in files.items() if _is_root(name, data)]
    if len(roots) == 1:
        return roots[0]
    if not roots:
        raise refuse("archive-root", f"No file of the archive is an OpenAPI document. It holds {_listed(list(files))}.")
    usual = [name for name in roots if _USUAL.fullmatch(posixpath.basename(name))]
    if usual:
        top = min(name.count("/") for name in usual)
        nearest = [name for name in usual if name.count("/") == top]
        if len(nearest) == 1:
            return nearest[0]
    raise refuse("archive-root", f"Several files could be the document: {_listed(roots)}. Say which one is meant.")


def media_type_of(name: str) -> str:
    """Return the media type that a file's name speaks of: YAML may begin as JSON does."""
    return "application/json" if name.lower().endswith(".json") else "application/yaml"


def _is_root(name: str, data: bytes) -> bool:
    if not _LOOKS_LIKE.search(data):
        return False
    try:
        tree = load_tree(data, media_type_of(name)).tree
    except DesignError:
        # A document with a slip in it is still the one that is meant: its own error says more.
        return True
    return isinstance(tree, dict) and ("openapi" in tree or "swagger" in tree)


def _listed(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown or "nothing that is read (.json, .yaml, .yml)"
