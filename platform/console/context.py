"""What every page's frame needs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Return the installation's addresses and the request id for all templates."""
    return {
        "gateway_url": settings.GATEHOUSE_GATEWAY_URL,
        "console_url": settings.GATEHOUSE_CONSOLE_URL,
        "request_id": getattr(request, "request_id", ""),
        "is_demo": settings.GATEHOUSE_DEMO,
    }
