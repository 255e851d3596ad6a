"""The page /usage/costs: a team's report of a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse

from common.clock import now
from common.errors import NotFound
from common.permissions import page
from console.pages import render_page
from console.tables import Table, csv_response
from console.usage.overview import tabs
from console.usage.viewer import viewer
from teams.models import Team
from teams.roles import teams_with
from usage.models import CostReport
from usage.reports.cost import CONSUMED, PROVIDED, Line, lines_of, month_of
from usage.selectors import Sight, freshness, freshness_of, reports_for, sight_of
from usage.selectors.money import with_below

COLUMNS = ("api_name", "version", "application_name", "model", "calls", "input_tokens", "output_tokens", "cost_usd")
HEAD = ("Side", "API", "Version", "Application", "Model", "Calls", "Input tokens", "Output tokens", "Cost USD")


@dataclass(frozen=True, slots=True)
class Section:
    """One side of a report: its lines a page at a time and their sums. `total_usd` None: not to be seen."""

    title: str
    lead: str
    table: Table
    calls: int
    total_usd: Decimal | None


@page("costs.view")
def costs(request: HttpRequest) -> HttpResponse:
    """Show a team's cost report of a month, or download it."""
    teams = list(teams_with(viewer(request), "costs.view").order_by("name"))
    sight = sight_of(viewer(request))
    reports = list(reports_for(viewer(request)).defer("lines").order_by("-month", "team__name"))
    team = _chosen_team(request, teams, reports)
    month = _chosen_month(request)
    report = reports_for(viewer(request)).filter(team=team, month=month).first() if team is not None else None
    if report is not None and request.GET.get("format") == "csv":
        return _csv(report, sight)
    this_month = month_of(now())
    subtree = with_below(reports, team, month) if team is not None else []
    context: dict[str, Any] = {
        "tabs": tabs("costs"),
        "teams": teams,
        "team": team,
        "month": month,
        "months": sorted({this_month, month, *(row.month for row in reports if row.team == team)}, reverse=True),
        "report": report,
        "subtree": subtree,
        "subtree_usd": sum((row.total_usd for row in subtree), Decimal()),
        "subtree_calls": sum(row.calls for row in subtree),
        "freshness": _freshness(report, is_current=month == this_month),
        "sections": _sections(request, report, sight) if report else [],
        "csv_url": f"?team={team.slug}&month={month:%Y-%m}&format=csv" if team and report else "",
    }
    return render_page(request, "usage/costs.html", context)


def _chosen_team(request: HttpRequest, teams: list[Team], reports: list[CostReport]) -> Team | None:
    slug = request.GET.get("team", "")
    if slug:
        team = next((team for team in teams if team.slug == slug), None)
        if team is None:
            raise NotFound("There is no such team, or you are not in it.")
        return team
    return reports[0].team if reports else next(iter(teams), None)


def _chosen_month(request: HttpRequest) -> date:
    try:
        return date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return month_of(now())


def _freshness(report: CostReport | None, *, is_current: bool) -> Any:
    """Judge a running month's report by its own age; a month that is over does not grow old."""
    if not is_current:
        return None
    return freshness_of(report.as_of) if report else freshness()


def _sections(request: HttpRequest, report: CostReport, sight: Sight) -> list[Section]:
    may_see = sight.may_see_provided(report.team.public_id) or not report.provided_calls
    provided_usd = report.provided_usd if may_see else None
    return [
        Section(
            "What the team's applications called",
            "The team's own spending.",
            Table(request, lines_of(report, CONSUMED), columns={}),
            report.calls,
            report.total_usd,
        ),
        Section(
            "Calls of the team's APIs",
            "What they cost the teams that called them; the same calls stand on those teams' reports.",
            Table(request, lines_of(report, PROVIDED), columns={}),
            report.provided_calls,
            provided_usd,
        ),
    ]


def _csv(report: CostReport, sight: Sight) -> HttpResponse:
    may_see = sight.may_see_provided(report.team.public_id)

    def cells(line: Line) -> list[Any]:
        values = [getattr(line, name) for name in COLUMNS]
        if line.side == PROVIDED and not may_see:
            values[-1] = ""
        return [line.side, *values]

    name = f"costs-{report.team.slug}-{report.month:%Y-%m}"
    # A streamed response is none of HttpResponse's children, though it serves as one.
    return csv_response(name, HEAD, lines_of(report), cells)
