"""The cards of a usage page: numbers, charts and top lists of a scope. Each fails alone, with its own problem."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db import DatabaseError
from django.http import HttpRequest

from common.request import current_request_id
from common.templatetags.gatehouse import grouped, milliseconds, money
from console.pages import Spark, sparkline
from console.usage.charts import Chart, calls_chart, latency_chart
from console.usage.ranges import Choice, Range, choices, range_of
from usage.selectors import Freshness, Numbers, Scope, TopRow, UsageSummary, summary, top, totals

logger = logging.getLogger("gatehouse.console")
T = TypeVar("T")
TOPS = {"api": "APIs", "application": "Applications", "model": "Models"}


@dataclass(frozen=True, slots=True)
class Card(Generic[T]):
    """What a card shows, or the problem that kept it from knowing."""

    title: str
    value: T | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its change against the period before."""

    title: str
    value: str
    note: str
    spark: Spark | None = None


@dataclass(frozen=True, slots=True)
class UsageCards:
    """Everything `templates/usage/_cards.html` draws."""

    range: Range
    choices: list[Choice]
    summary: Card[UsageSummary]
    figures: list[Figure]
    charts: list[Chart]
    tops: list[Card[list[TopRow]]]
    csv_url: str
    freshness: Freshness | None

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was called or refused in the range."""
        found = self.summary.value
        return found is not None and not found.totals.calls and not found.refused


def usage_cards(request: HttpRequest, scope: Scope, *, tops: tuple[str, ...] = tuple(TOPS)) -> UsageCards:
    """Ask for a scope's numbers in the range of the request."""
    chosen = range_of(request)
    interval = chosen.span.interval
    found = load("Numbers", lambda: summary(scope, chosen.since, chosen.until, interval=interval))
    before = load("Numbers before", lambda: totals(scope, *chosen.before, interval=interval))
    value = found.value
    zone = zone_of(request)
    has_calls = value is not None and value.totals.calls > 0
    return UsageCards(
        range=chosen,
        choices=choices(request, chosen),
        summary=found,
        figures=_figures(value, before.value, chosen.span.words) if value else [],
        charts=_charts(value, chosen, zone) if value and has_calls else [],
        tops=[_top(by, scope, chosen) for by in tops] if has_calls else [],
        csv_url=_csv_url(scope, chosen),
        freshness=value.freshness if value else None,
    )


def load(title: str, work: Callable[[], T]) -> Card[T]:
    """Do a card's query; a database that fails it leaves the rest of the page standing."""
    try:
        return Card(title, work())
    except DatabaseError as error:
        logger.exception("event=card_failed card=%r request_id=%s", title, current_request_id())
        reason = f"The database could not answer ({type(error).__name__}). The rest of the page stands."
        return Card(title, None, reason)


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the person's time zone."""
    try:
        return ZoneInfo(getattr(request.user, "zone", "") or "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def _charts(found: UsageSummary, chosen: Range, zone: ZoneInfo) -> list[Chart]:
    return [calls_chart(found, chosen.title, zone), latency_chart(found, chosen.title, zone)]


def _top(by: str, scope: Scope, chosen: Range) -> Card[list[TopRow]]:
    return load(TOPS[by], lambda: top(scope, by, chosen.since, chosen.until))


def _csv_url(scope: Scope, chosen: Range) -> str:
    query: dict[str, Any] = {
        "format": "csv",
        "since": chosen.since.isoformat(),
        "interval": chosen.span.interval,
        "version": scope.version_id,
        "application": scope.application_id,
        "team": scope.team_id,
    }
    return f"/api/v1/usage?{urlencode({name: value for name, value in query.items() if value})}"


def _figures(found: UsageSummary, before: Numbers | None, words: str) -> list[Figure]:
    numbers, series = found.totals, [point.numbers for point in found.points]
    past = before or Numbers(p50_ms=None, cost_usd=None)
    calls = sparkline([float(each.calls) for each in series], f"{numbers.calls:,} calls")
    errors = sparkline([float(each.errors) for each in series], f"{numbers.errors:,} errors")
    return [
        Figure("Calls", grouped(numbers.calls), _change(numbers.calls, past.calls, words), calls),
        Figure("Failed or refused", _share(numbers.error_share), f"{_share(past.error_share)} before", errors),
        Figure("Latency p50", milliseconds(numbers.p50_ms), _change(numbers.p50_ms, past.p50_ms, words)),
        Figure("Latency p95", milliseconds(numbers.p95_ms), _change(numbers.p95_ms, past.p95_ms, words)),
        Figure("Tokens", grouped(numbers.tokens), _change(numbers.tokens, past.tokens, words)),
        _cost(numbers, past, words),
    ]


def _cost(numbers: Numbers, past: Numbers, words: str) -> Figure:
    if numbers.cost_usd is None:
        return Figure("Cost, USD", "Hidden", "Needs the publisher role in the team that owns the API")
    note = _change(numbers.cost_usd, past.cost_usd, words)
    if numbers.unpriced:
        note = f"{numbers.unpriced:,} calls had no price"
    return Figure("Cost, USD", money(numbers.cost_usd), note)


def _share(share: float | None) -> str:
    return "no calls" if share is None else f"{share * 100:.1f} %"


def _change(value: float | Decimal | None, before: float | Decimal | None, words: str) -> str:
    """Say how a number compares with the one of the period before."""
    if value is None or before is None:
        return ""
    if not before:
        return f"none in the {words} before" if value else ""
    change = (float(value) / float(before) - 1) * 100
    if abs(change) < 1:
        return f"as in the {words} before"
    return f"{'up' if change > 0 else 'down'} {abs(change):,.0f} % on the {words} before"
