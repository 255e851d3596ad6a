"""OpenAPI Overlays 1.0 and 1.1: read them, apply them to a document. Pure, as all of `apis.design`."""

from apis.design.overlays.applying import Overlaid, apply_overlay, apply_overlays
from apis.design.overlays.operations import drop_unrouted, hidden_operations
from apis.design.overlays.reading import MAX_ACTIONS, MAX_OVERLAY_BYTES, Action, ParsedOverlay, parse_overlay

__all__ = [
    "MAX_ACTIONS",
    "MAX_OVERLAY_BYTES",
    "Action",
    "Overlaid",
    "ParsedOverlay",
    "apply_overlay",
    "apply_overlays",
    "drop_unrouted",
    "hidden_operations",
    "parse_overlay",
]
