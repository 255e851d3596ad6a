"""The roles usable in a team, and those it makes for itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from common.permissions import page
from console.pages import render_page
from console.teams.role_pages import Column, built_in_columns, found_role, matrix, role_form_page, role_page
from console.teams.views import head_of
from teams.models import Team, User
from teams.roles import require_permission
from teams.selectors import team_for, usable_roles


@page("team.view")
def roles(request: HttpRequest, team: str) -> HttpResponse:
    """Show what each role that is usable in a team may do."""
    found = team_for(request.user, team)  # type: ignore[arg-type]
    head = head_of(request, found, "roles")
    base = f"/teams/{found.slug}/roles"
    columns = built_in_columns()
    for role in usable_roles(found):
        is_own = role.team_id == found.pk
        note = "of this team" if is_own else f"from {role.team.name}" if role.team else "in every team"
        url = f"{base}/{role.public_id}" if is_own and "members.manage" in head["may"] else ""
        columns.append(Column(role.name, note, frozenset(role.permissions), url))
    context = {**head, "columns": columns, "rows": matrix(columns), "new_url": f"{base}/new"}
    return render_page(request, "teams/roles.html", context)


def _base(team: Team) -> str:
    return f"/teams/{team.slug}/roles"


def _head(team: Team) -> dict[str, Any]:
    crumbs = [("Teams", "/teams"), (team.name, f"/teams/{team.slug}"), ("Roles", _base(team))]
    return {"crumbs": crumbs, "where": f"{team.name} and the teams below it"}


def _managed(request: HttpRequest, team: str, what: str) -> Team:
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    require_permission(actor=user, team=found, permission="members.manage", what=what)
    return found


@page("members.manage", methods=("GET", "HEAD", "POST"))
def new_role(request: HttpRequest, team: str) -> HttpResponse:
    """Make a role of a team."""
    found = _managed(request, team, "make roles")
    return role_form_page(request, team=found, base=_base(found), head=_head(found))


@page("members.manage", methods=("GET", "HEAD", "POST"))
def team_role(request: HttpRequest, team: str, role: str) -> HttpResponse:
    """Change or delete a role of a team."""
    found = _managed(request, team, "change roles")
    return role_page(request, found_role(role, found), base=_base(found), head=_head(found))
