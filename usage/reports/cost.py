"""The cost report of a team and a UTC month: computed from day rollups, frozen some days after the month's end."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Sum

from apis.models import ApiVersion
from common.clock import now
from teams.models import Application, Team
from usage.models import CostReport, Progress, UsageDay

# Late events still arrive after a month's end; then its report is final.
FREEZE_AFTER_DAYS = 3
LOCK = "usage_write_cost_reports"
CONSUMED, PROVIDED = "consumed", "provided"


@dataclass(frozen=True, slots=True)
class Line:
    """What one application's calls of one version with one model cost. `side`: consumed or provided by the team."""

    side: str
    api_id: str
    api_name: str
    version: str
    application_id: str
    application_name: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    unpriced: int
    cost_usd: str


def month_of(moment: datetime) -> date:
    """Return the first day of a moment's UTC month."""
    return moment.astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    """Return the first day of the next month."""
    return (month + timedelta(days=32)).replace(day=1)


def lines_of(report: CostReport, side: str = "") -> list[Line]:
    """Return a report's lines, of one side or all."""
    return [Line(**line) for line in report.lines if side in ("", line["side"])]


def write_reports() -> int:
    """Bring the reports of this month, and of last month until it is frozen, up to date; return how many were written.

    They carry the rollups' `as_of`, so with the rollup stopped a report says how old it is. One runner at a time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [LOCK])
        progress = Progress.objects.first()
        if not cursor.fetchone()[0] or progress is None:
            return 0
        this_month = month_of(now())
        last_month = (this_month - timedelta(days=1)).replace(day=1)
        is_last_over = now().astimezone(UTC).date() >= this_month + timedelta(days=FREEZE_AFTER_DAYS)
        written = _write_month(this_month, progress.as_of, is_final=False)
        # Only a month that is counted to its end may be frozen.
        return written + _write_month(
            last_month, progress.as_of, is_final=is_last_over and month_of(progress.as_of) >= this_month
        )


def _write_month(month: date, as_of: datetime, *, is_final: bool) -> int:
    frozen = set(CostReport.objects.filter(month=month, frozen_at__isnull=False).values_list("team_id", flat=True))
    by_team = _lines_by_team(month)
    teams = Team.objects.filter(public_id__in=by_team).exclude(pk__in=frozen)
    reports = [_report(team, month, by_team[team.public_id], as_of, is_final=is_final) for team in teams]
    CostReport.objects.bulk_create(
        reports,
        update_conflicts=True,
        unique_fields=["team", "month"],
        update_fields=[
            "total_usd",
            "calls",
            "provided_usd",
            "provided_calls",
            "lines",
            "content_hash",
            "as_of",
            "frozen_at",
        ],
    )
    return len(reports)


def _report(team: Team, month: date, lines: list[Line], as_of: datetime, *, is_final: bool) -> CostReport:
    payload = [asdict(line) for line in lines]
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return CostReport(
        team=team,
        month=month,
        total_usd=_total(lines, CONSUMED),
        calls=sum(line.calls for line in lines if line.side == CONSUMED),
        provided_usd=_total(lines, PROVIDED),
        provided_calls=sum(line.calls for line in lines if line.side == PROVIDED),
        lines=payload,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        as_of=as_of,
        frozen_at=now() if is_final else None,
    )


def _total(lines: Iterable[Line], side: str) -> Decimal:
    return sum((Decimal(line.cost_usd) for line in lines if line.side == side), Decimal(0))


def _lines_by_team(month: date) -> dict[str, list[Line]]:
    """Return each team's lines of a month, by the team's public id, most expensive first."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    after = month_after(month)
    counted = list(
        UsageDay.objects.filter(start_at__gte=start, start_at__lt=datetime(after.year, after.month, 1, tzinfo=UTC))
        .values("team_id", "owner_team_id", "api_id", "version_id", "application_id", "model")
        .annotate(
            n=Sum("calls"), tokens_in=Sum("input_tokens"), tokens_out=Sum("output_tokens"), none=Sum("unpriced"),
            cost=Sum("cost_usd"),
        )
        .order_by(F("cost").desc(), F("n").desc(), "version_id", "application_id", "model")
    )  # fmt: skip
    versions = {
        version.public_id: version
        for version in ApiVersion.objects.select_related("api").filter(
            public_id__in={row["version_id"] for row in counted}
        )
    }
    applications = dict(
        Application.objects.filter(public_id__in={row["application_id"] for row in counted}).values_list(
            "public_id", "name"
        )
    )
    by_team: dict[str, list[Line]] = defaultdict(list)
    for row in counted:
        for side, team_id in ((CONSUMED, row["team_id"]), (PROVIDED, row["owner_team_id"])):
            if team_id:
                by_team[team_id].append(_line(side, row, versions.get(row["version_id"]), applications))
    return by_team


def _line(side: str, row: Mapping[str, Any], version: ApiVersion | None, applications: dict[str, str]) -> Line:
    return Line(
        side=side,
        api_id=row["api_id"],
        api_name=version.api.name if version else row["api_id"],
        version=version.name if version else "",
        application_id=row["application_id"],
        application_name=applications.get(row["application_id"], row["application_id"]),
        model=row["model"],
        calls=row["n"],
        input_tokens=row["tokens_in"],
        output_tokens=row["tokens_out"],
        unpriced=row["none"],
        cost_usd=format(row["cost"], "f"),
    )
