"""What manages the object of a page."""

from __future__ import annotations

from typing import Any

from django import template

from manifests.selectors import management_of

register = template.Library()


@register.inclusion_tag("manifests/_managed.html", takes_context=True)
def managed(context: Any, kind: str, row: Any, what: str = "Managed") -> dict[str, Any]:
    """Say from where an object is managed, where it is; `what` begins the sentence where a page is of several."""
    # A page of something new has no row yet.
    held = management_of(kind, row) if getattr(row, "pk", None) else None
    return {"held": held, "what": what, "request": context.get("request")}
