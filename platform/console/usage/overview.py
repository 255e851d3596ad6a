"""The page /usage: what happened and what it costs, over all of one's teams or one of them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from common.errors import NotFound
from common.permissions import page
from console.pages import Tab, render_page
from console.usage.cards import usage_cards
from console.usage.viewer import viewer
from teams.roles import teams_of
from usage.selectors import Scope, sight_of


def tabs(current: str) -> list[Tab]:
    """Return the tabs of the place usage."""
    return [
        Tab("Overview", "/usage", current == "overview"),
        Tab("Costs", "/usage/costs", current == "costs"),
    ]


@page("team.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Show the numbers of a range."""
    teams = list(teams_of(viewer(request)).order_by("name"))
    slug = request.GET.get("team", "")
    team = next((team for team in teams if team.slug == slug), None)
    if slug and team is None:
        raise NotFound("There is no such team, or you are not in it.")
    scope = Scope(team_id=team.public_id if team else "", sight=sight_of(viewer(request)))
    context = {"tabs": tabs("overview"), "usage": usage_cards(request, scope), "teams": teams, "team": team}
    return render_page(request, "usage/overview.html", context)
