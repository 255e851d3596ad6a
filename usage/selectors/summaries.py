"""Numbers over a range: in all, per interval, and the top of a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, BigIntegerField, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apis.models import Api, ApiVersion
from common.clock import now
from common.errors import Invalid
from teams.models import Application
from usage import histogram
from usage.ledger import refused_count
from usage.models import UsageDay, UsageHour, UsageMinute
from usage.selectors.freshness import freshness
from usage.selectors.values import Numbers, Point, Scope, TopRow, UsageSummary
from usage.selectors.visibility import Sight

SPANS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
TABLES = {"minute": UsageMinute, "hour": UsageHour, "day": UsageDay}
MAX_POINTS = 1500
COUNTS = (
    "calls",
    "caller_errors",
    "policy_errors",
    "upstream_errors",
    "gateway_errors",
    "answers_2xx",
    "answers_3xx",
    "answers_4xx",
    "answers_5xx",
    "interrupted",
    "unpriced",
    "input_tokens",
    "output_tokens",
)
DIMENSIONS = {"api": "api_id", "application": "application_id", "model": "model"}


class HistogramSum(Aggregate):
    """Adds latency histograms in the database."""

    function = "usage_histogram_sum"
    output_field = ArrayField(BigIntegerField())


def version_usage(version: ApiVersion, since: datetime, until: datetime, *, interval: str = "") -> UsageSummary:
    """Return all calls of a version; who may ask is the caller's to judge."""
    return summary(Scope(version_id=version.public_id), since, until, interval=interval)


def api_usage(api: Api, since: datetime, until: datetime, *, interval: str = "") -> UsageSummary:
    """Return all calls of an API; who may ask is the caller's to judge."""
    return summary(Scope(api_id=api.public_id), since, until, interval=interval)


def application_usage(
    application: Application, since: datetime, until: datetime, *, interval: str = ""
) -> UsageSummary:
    """Return all calls of an application; who may ask is the caller's to judge."""
    return summary(Scope(application_id=application.public_id), since, until, interval=interval)


def choose_interval(since: datetime, until: datetime, wanted: str = "") -> str:
    """Return the interval of a range: the wanted one when it makes at most 1 500 points, else one that fits."""
    span = until - since
    if span <= timedelta(0):
        raise Invalid(
            f"The range is empty: it ends at {until.isoformat()}, not after its start {since.isoformat()}.",
            errors=[{"detail": "Must lie after since.", "pointer": "/until"}],
        )
    if wanted:
        if wanted not in SPANS:
            raise Invalid(
                f"{wanted!r} is no interval. Use minute, hour or day.",
                errors=[{"detail": "Use minute, hour or day.", "pointer": "/interval"}],
            )
        if span / SPANS[wanted] > MAX_POINTS:
            raise Invalid(
                f"By {wanted} this range has over {MAX_POINTS:,} points. Take a longer interval or a shorter range.",
                errors=[{"detail": "Too short for this range.", "pointer": "/interval"}],
            )
        return wanted
    if span <= timedelta(hours=3):
        return "minute"
    return "hour" if span <= timedelta(days=14) else "day"


def summary(scope: Scope, since: datetime, until: datetime, *, interval: str = "") -> UsageSummary:
    """Return the numbers of the calls in a scope from `since` to `until`; raise Invalid for an impossible range."""
    interval = choose_interval(since, until, interval)
    since = floor(since, interval)
    sight = scope.sight
    counted = {
        row["start_at"]: row
        for row in _counted(_rows(interval, scope, sight, since, until), sight, "start_at").order_by("start_at")
    }
    return UsageSummary(
        since=since,
        until=until,
        interval=interval,
        totals=_sum_up(list(counted.values())),
        points=_points(counted, since, until, interval),
        freshness=freshness(),
        refused=_refused(scope, sight, since, until),
    )


def totals(scope: Scope, since: datetime, until: datetime, *, interval: str) -> Numbers:
    """Return the numbers of a range alone, for a comparison."""
    sight = scope.sight
    rows = _rows(interval, scope, sight, floor(since, interval), until)
    return _sum_up(list(_counted(rows, sight, "start_at")))


def top(scope: Scope, by: str, since: datetime, until: datetime, *, limit: int = 10) -> list[TopRow]:
    """Return the APIs, applications or models (`by`: api, application, model) with the most calls."""
    interval = choose_interval(since, until)
    sight = scope.sight
    column = DIMENSIONS[by]
    rows = _rows(interval, scope, sight, floor(since, interval), until).exclude(**{column: ""})
    found = [(row[column], _numbers(row)) for row in _counted(rows, sight, column).order_by("-calls", column)[:limit]]
    names = _names(by, [identity for identity, _ in found])
    return [_top_row(identity, names.get(identity, (identity, "", "")), numbers) for identity, numbers in found]


def _top_row(identity: str, known: tuple[str, str, str], numbers: Numbers) -> TopRow:
    name, detail, url = known
    return TopRow(identity, name, detail, url, numbers)


def floor(moment: datetime, interval: str) -> datetime:
    """Return the start of the UTC minute, hour or day a moment lies in."""
    moment = moment.astimezone(UTC).replace(second=0, microsecond=0)
    if interval == "minute":
        return moment
    return moment.replace(minute=0) if interval == "hour" else moment.replace(minute=0, hour=0)


def _rows(interval: str, scope: Scope, sight: Sight, since: datetime, until: datetime) -> QuerySet[Any]:
    rows: QuerySet[Any] = TABLES[interval]._default_manager.filter(sight.calls, start_at__gte=since, start_at__lt=until)
    for name in ("version_id", "api_id", "application_id"):
        if value := getattr(scope, name):
            rows = rows.filter(**{name: value})
    if scope.team_id:
        rows = rows.filter(Q(team_id=scope.team_id) | Q(owner_team_id=scope.team_id))
    return rows


def _counted(rows: QuerySet[Any], sight: Sight, by: str) -> QuerySet[Any]:
    sums = {name: Sum(name) for name in COUNTS}
    # The sums take their columns' names, so what reads a column comes before them.
    return rows.values(by).annotate(
        cost=Sum("cost_usd"),
        hidden=Coalesce(Sum("calls", filter=sight.hidden_money), 0),
        histogram=HistogramSum("latency"),
        **sums,
    )


def _numbers(row: dict[str, Any]) -> Numbers:
    return Numbers(
        **{name: row[name] for name in COUNTS},
        cost_usd=None if row["hidden"] else row["cost"],
        p50_ms=histogram.percentile(row["histogram"], 0.5),
        p95_ms=histogram.percentile(row["histogram"], 0.95),
        p99_ms=histogram.percentile(row["histogram"], 0.99),
    )


def _sum_up(rows: list[dict[str, Any]]) -> Numbers:
    if not rows:
        return Numbers()
    summed: dict[str, Any] = {name: sum(row[name] for row in rows) for name in (*COUNTS, "cost", "hidden")}
    return _numbers({**summed, "histogram": histogram.merge(*(row["histogram"] for row in rows))})


def _points(counted: dict[datetime, dict[str, Any]], since: datetime, until: datetime, interval: str) -> list[Point]:
    step = SPANS[interval]
    moment, points, clock = since, [], now()
    while moment < until:
        row = counted.get(moment)
        points.append(Point(moment, _numbers(row) if row else Numbers(), moment <= clock < moment + step))
        moment += step
    return points


def _refused(scope: Scope, sight: Sight, since: datetime, until: datetime) -> int:
    if not scope.version_id or scope.application_id or scope.team_id:
        return 0
    if not sight.is_everything:
        owner = ApiVersion.objects.filter(public_id=scope.version_id).values_list("api__team__public_id", flat=True)
        if not sight.team_ids.intersection(owner):
            return 0
    return refused_count(scope.version_id, since, until)


def _names(by: str, ids: list[str]) -> dict[str, tuple[str, str, str]]:
    """Return name, detail and page of each id that is still known."""
    if by == "api":
        return {
            api.public_id: (api.name, api.team.name, f"/catalog/{api.team.slug}/{api.slug}")
            for api in Api.objects.select_related("team").filter(public_id__in=ids)
        }
    if by == "application":
        return {
            application.public_id: (application.name, application.team.name, f"/applications/{application.public_id}")
            for application in Application.objects.select_related("team").filter(public_id__in=ids)
        }
    return {}
