"""Every route names its permission; this says what the names mean and checks the part that needs no object.

The names: `public`, `signed_in`, `platform.view`, `platform.admin`, `staff`, and the permissions of a team, which
`teams.permissions` describes. Those are decided by the service or selector on the object's team: a stranger gets 404, a
member whose role lacks the permission 403. The route's own gate is that somebody is signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from common.errors import NotAllowed
from common.permission_names import TEAM_PERMISSIONS

PERMISSIONS = ("public", "signed_in", *TEAM_PERMISSIONS, "platform.view", "platform.admin", "staff")
View = Callable[..., HttpResponse]


def page(permission: str, *, methods: tuple[str, ...] = ("GET", "HEAD")) -> Callable[[View], View]:
    """Declare a page's permission and its methods; signed-out people go to sign-in and back."""
    if permission not in PERMISSIONS:
        raise ValueError(f"unknown permission {permission!r}")

    def wrap(view: View) -> View:
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                response = HttpResponse(status=405)
                response["Allow"] = ", ".join(methods)
                return response
            if permission != "public" and not request.user.is_authenticated:
                return sign_in_first(request)
            require_platform(permission, request.user)
            request.permission = permission  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        gate.permission = permission  # type: ignore[attr-defined]
        gate.methods = methods  # type: ignore[attr-defined]
        gate.__name__ = getattr(view, "__name__", "page")
        gate.__doc__ = view.__doc__
        gate.__module__ = view.__module__
        return gate

    return wrap


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Redirect to sign-in and back; a fragment request gets HX-Redirect with 401."""
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = f"/login?next={request.headers.get('HX-Current-URL', '/')}"
        return response
    return redirect_to_login(request.get_full_path(), "/login")


def require_platform(permission: str, user: Any) -> None:
    """Raise NotAllowed when a platform permission does not reach."""
    if permission == "platform.view" and not user.sees_everything:
        raise NotAllowed("Only a platform admin or an auditor may open this.")
    if permission == "platform.admin" and not user.is_platform_admin:
        raise NotAllowed("Only a platform admin may open this.")
    if permission == "staff" and not user.is_staff:
        raise NotAllowed("Only staff may open this.")


class DeclaredPermission(BasePermission):
    """REST views name `permissions = {"list": "signed_in", ...}` by action, or `permission` for all."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the platform part; an undeclared action is refused."""
        permission = declared_permission(view, getattr(view, "action", None) or (request.method or "").lower())
        if permission is None:
            return False
        if permission == "public":
            return True
        if not request.user.is_authenticated:
            return False
        require_platform(permission, request.user)
        return True


def declared_permission(view: Any, action: str) -> str | None:
    """Return the permission a REST view declares for an action."""
    return getattr(view, "permissions", {}).get(action) or getattr(view, "permission", None)
