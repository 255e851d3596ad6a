"""Cost reports, for those who may see a team's money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import QuerySet

from common.errors import NotFound
from teams.models import Team, User
from teams.roles import teams_with
from usage.models import CostReport


def team_costs(team: Team, month: date) -> CostReport | None:
    """Return a team's report of a month, None when nothing was called in it; who may ask is the caller's to judge."""
    return CostReport.objects.select_related("team").filter(team=team, month=month.replace(day=1)).first()


def with_below(reports: Iterable[CostReport], team: Team, month: date) -> list[CostReport]:
    """Return those of a month of a team and of all below it, the team's own first; empty when none below has one."""
    found = [row for row in reports if row.month == month and team.pk in row.team.lineage]
    found.sort(key=lambda row: (len(row.team.ancestor_ids), row.team.name))
    return found if any(row.team_id != team.pk for row in found) else []


def reports_for(user: User) -> QuerySet[CostReport]:
    """Return the reports of the teams whose costs a person may see.

    What a team's APIs cost others is another permission (`Sight.may_see_provided`).
    """
    return CostReport.objects.select_related("team").filter(team__in=teams_with(user, "costs.view"))


def report_for(user: User, public_id: str) -> CostReport:
    """Return one report; raise NotFound when there is none the person may see."""
    report = reports_for(user).filter(public_id=public_id).first()
    if report is None:
        raise NotFound("There is no such cost report, or it is not your team's.")
    return report
