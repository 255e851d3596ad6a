"""What every page's frame needs: places, addresses, the request id, a fresh form token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from console.forms import new_form_token
from teams.selectors import unread_count


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the sidebar."""

    title: str
    url: str
    icon: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A titled group of places."""

    title: str
    places: tuple[Place, ...]


# group -> (title, url, icon, needs a platform admin)
SITEMAP: tuple[tuple[str, tuple[tuple[str, str, str, bool], ...]], ...] = (
    (
        "Use",
        (
            ("Home", "/", "home", True),
            ("Catalog", "/catalog", "book", True),
            ("Applications", "/applications", "key", True),
        ),
    ),
    (
        "Provide",
        (
            ("Workspace", "/workspace", "layout-grid", True),
            ("Manifests", "/manifests", "file-text", True),
            ("AI", "/ai/models", "cpu", True),
        ),
    ),
    (
        "Run",
        (
            ("Usage", "/usage", "chart-line", True),
            ("Teams", "/teams", "users", True),
            ("Admin", "/admin/gateways", "shield", False),
        ),
    ),
)


def _is_current(path: str, url: str) -> bool:
    first = "/" + url.strip("/").split("/")[0]
    return path == "/" if first == "/" else path == first or path.startswith(f"{first}/")


def navigation(request: HttpRequest) -> tuple[Group, ...]:
    """Return the sidebar of the person who asks."""
    user = getattr(request, "user", None)
    sees_admin = bool(user and user.is_authenticated and user.sees_everything)
    return tuple(
        Group(
            title,
            tuple(
                Place(name, url, icon, _is_current(request.path, url))
                for name, url, icon, is_for_all in places
                if sees_admin or is_for_all
            ),
        )
        for title, places in SITEMAP
    )


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Return the frame's context for all templates."""
    user = getattr(request, "user", None)
    return {
        # Asked for by whole pages alone: a fragment has no bell.
        "unread_notices": lambda: unread_count(user) if user and user.is_authenticated else 0,
        "navigation": navigation(request),
        "gateway_url": settings.GATEHOUSE_GATEWAY_URL,
        "console_url": settings.GATEHOUSE_CONSOLE_URL,
        "request_id": getattr(request, "request_id", ""),
        "is_demo": settings.GATEHOUSE_DEMO,
        "form_token": new_form_token(),
    }
