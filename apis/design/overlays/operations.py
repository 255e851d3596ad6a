"""The operations of an overlaid document: never one that the gateway does not route."""

from __future__ import annotations

from apis.design.json_types import JsonObject, as_object
from apis.design.openapi30 import METHODS
from apis.design.operations import walk_operations
from apis.design.problems import Finding


def drop_unrouted(design: JsonObject, overlaid: JsonObject) -> list[Finding]:
    """Take out of an overlaid document, in place, the operations that the design lacks; return one warning for each.

    The gateway routes what the design describes: a document that promised more would be wrong.
    """
    routed = {(path, method) for path, method, _, _ in walk_operations(design)}
    added = [(path, method) for path, method, _, _ in walk_operations(overlaid) if (path, method) not in routed]
    paths = as_object(overlaid.get("paths"))
    for path, method in added:
        item = as_object(paths[path])
        del item[method]
        if not any(known in item for known in METHODS) and path not in as_object(design.get("paths")):
            del paths[path]
    return [
        Finding(
            "overlay-operation-unrouted",
            "warn",
            f"{method.upper()} {path} is not in the design, so the gateway does not route it: it is left out. "
            "Add it to the design.",
        )
        for path, method in added
    ]


def hidden_operations(design: JsonObject, overlaid: JsonObject) -> list[tuple[str, str]]:
    """Return the operations of the design that an overlaid document does not show, as method and path."""
    shown = {(path, method) for path, method, _, _ in walk_operations(overlaid)}
    return [(method.upper(), path) for path, method, _, _ in walk_operations(design) if (path, method) not in shown]
