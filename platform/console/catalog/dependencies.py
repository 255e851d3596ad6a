"""The dependency graph: which application uses which API, as a drawing and as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse

from common.permissions import page
from console.catalog.dependency_drawing import MOST_EDGES, draw
from console.pages import render_page
from console.tables import Table, csv_response
from teams.models import User
from teams.roles import teams_of
from usage.selectors import DependencyFilters, dependencies_for, freshness

MOST_TEAMS = 200
STATES = ("preview", "published", "deprecated", "retired")
COLUMNS = {
    "calls": "calls_30_days", "application": "application__name", "team": "application__team__name",
    "api": "version__api__name", "plan": "plan__name", "state": "version__state", "last": "last_call_order",
}  # fmt: skip
CSV_HEAD = (
    "application", "team", "api", "api team", "version", "plan", "state", "subscription", "calls 30 days", "last call"
)  # fmt: skip
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@page("signed_in")
def graph(request: HttpRequest) -> HttpResponse:
    """Show who uses what, as far as this person may know: own applications, and own APIs."""
    user: User = request.user  # type: ignore[assignment]
    filters = read_filters(request)
    rows = dependencies_for(user, filters)
    if request.GET.get("format") == "csv":
        return csv_response("dependencies", CSV_HEAD, rows.order_by("-calls_30_days", "pk").iterator(), _cells)
    ordered = rows.annotate(last_call_order=Coalesce("use__last_at", Value(NEVER)))
    table = Table(request, ordered, columns=COLUMNS, default="-calls")
    table.offer_csv()
    drawing = draw(rows.order_by("-calls_30_days", "pk")[:MOST_EDGES], chosen=(filters.api, filters.application))
    teams = [(team.slug, team.name) for team in teams_of(user).order_by("name")[:MOST_TEAMS]]
    if filters.team and filters.team not in dict(teams):
        teams.append((filters.team, filters.team))
    context = {
        "table": table, "filters": filters, "drawing": drawing, "teams": teams, "states": STATES,
        "totals": _totals(rows), "own_teams": {slug for slug, _ in teams}, "freshness": freshness(),
        "crumbs": [("Catalog", "/catalog")],
    }  # fmt: skip
    return render_page(request, "catalog/graph.html", context, fragment="results")


def read_filters(request: HttpRequest) -> DependencyFilters:
    """Read the filters of the URL."""
    given = {
        name: " ".join(request.GET.get(name, "").split())[:200] for name in ("team", "api", "application", "state")
    }
    return DependencyFilters(
        **given, is_called=request.GET.get("called") == "1", has_neighbours=request.GET.get("near") == "1"
    )


def _totals(rows: QuerySet[Any]) -> dict[str, int]:
    return rows.order_by().aggregate(
        subscriptions=Count("pk"),
        applications=Count("application", distinct=True),
        teams=Count("application__team", distinct=True),
        apis=Count("version__api", distinct=True),
        uncalled=Count("pk", filter=Q(calls_30_days=0)),
    )


def _cells(row: Any) -> list[Any]:
    api = row.version.api
    return [
        row.application.name, row.application.team.name, api.name, api.team.name, row.version.name, row.plan.name,
        row.version.state, row.state, row.calls_30_days, row.last_call_at.isoformat() if row.last_call_at else "",
    ]  # fmt: skip
