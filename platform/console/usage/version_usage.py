"""The usage tab of a version: /workspace/{team}/{api}/{v}/usage."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apis.models import ApiVersion
from common.errors import NotFound
from common.permissions import page
from console.pages import Tab, render_page
from console.usage.cards import usage_cards
from console.usage.viewer import viewer
from usage.selectors import Scope, sight_of


@page("team.view")
def version_usage(
    request: HttpRequest, team: str, api: str, version: str, tabs: list[Tab] | None = None
) -> HttpResponse:
    """Show a version's numbers to the team that owns it; `tabs` are those of the version's page."""
    sight = sight_of(viewer(request))
    row = (
        ApiVersion.objects.select_related("api__team").filter(api__team__slug=team, api__slug=api, name=version).first()
    )
    if row is None or not (sight.is_everything or row.api.team.public_id in sight.team_ids):
        raise NotFound("There is no such version, or it is not shared with you.")
    scope = Scope(version_id=row.public_id, sight=sight)
    home = f"/workspace/{team}/{api}"
    context = {
        "version": row,
        "api": row.api,
        "crumbs": [("Workspace", "/workspace"), (row.api.name, home), (row.name, f"{home}/{version}"), ("Usage", "")],
        "tabs": tabs or [],
        "usage": usage_cards(request, scope, tops=("application", "model")),
    }
    return render_page(request, "usage/version.html", context)
