"""The roles that every team uses: the built-in ones, and those that platform admins make."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from common.permissions import page
from console.admin.views import tabs
from console.pages import render_page
from console.teams.role_pages import Column, built_in_columns, found_role, matrix, role_form_page, role_page
from teams.models import User
from teams.selectors import roles_in_use, usable_roles

BASE = "/admin/roles"
HEAD = {"crumbs": [("Roles", BASE)], "where": "every team"}


@page("platform.view")
def roles(request: HttpRequest) -> HttpResponse:
    """Show what each role of the installation may do, and how many hold it."""
    user: User = request.user  # type: ignore[assignment]
    counts = roles_in_use()
    columns = built_in_columns()
    for role in usable_roles(None):
        held = counts.get(role.pk, 0)
        url = f"{BASE}/{role.public_id}" if user.is_platform_admin else ""
        note = f"{held} member{'' if held == 1 else 's'}"
        columns.append(Column(role.name, note, frozenset(role.permissions), url))
    context = {
        "tabs": tabs(user, "roles"), "columns": columns, "rows": matrix(columns),
        "new_url": f"{BASE}/new" if user.is_platform_admin else "",
    }  # fmt: skip
    return render_page(request, "admin/roles.html", context)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def new_role(request: HttpRequest) -> HttpResponse:
    """Make a role for every team."""
    return role_form_page(request, team=None, base=BASE, head=HEAD)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def role(request: HttpRequest, role: str) -> HttpResponse:
    """Change or delete a role that every team uses."""
    return role_page(request, found_role(role, None), base=BASE, head=HEAD)
