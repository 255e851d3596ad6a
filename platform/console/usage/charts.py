"""Chart data for assets/static/js/usage-charts.js, each with a sentence that says the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from common.templatetags.gatehouse import milliseconds
from usage.selectors import Numbers, Point, UsageSummary

# Label, colour of CONSOLE's fixed meanings, and the second cue beside colour.
OUTCOMES: tuple[tuple[str, str, str, Callable[[Numbers], int]], ...] = (
    ("Succeeded", "#16a34a", "none", lambda numbers: numbers.succeeded),
    ("Caller's fault", "#d97706", "rect", lambda numbers: numbers.caller_errors),
    ("Refused by policy", "#8b5cf6", "triangle", lambda numbers: numbers.policy_errors),
    ("Upstream's fault", "#dc2626", "circle", lambda numbers: numbers.upstream_errors),
    ("Gateway's fault", "#db2777", "diamond", lambda numbers: numbers.gateway_errors),
)
PERCENTILES: tuple[tuple[str, str, str, Callable[[Numbers], float | None]], ...] = (
    ("p50", "#3b82f6", "solid", lambda numbers: numbers.p50_ms),
    ("p95", "#ea580c", "dashed", lambda numbers: numbers.p95_ms),
    ("p99", "#0d9488", "dotted", lambda numbers: numbers.p99_ms),
)
FORMATS = {"minute": "%H:%M", "hour": "%-d %b %H:%M", "day": "%-d %b"}


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its data, and the sentence and table for whoever does not see it."""

    id: str
    title: str
    sentence: str
    data: dict[str, Any]
    head: list[str]
    rows: list[list[str]]


def calls_chart(found: UsageSummary, title: str, zone: ZoneInfo) -> Chart:
    """Draw calls per interval, stacked by outcome."""
    shown = [outcome for outcome in OUTCOMES if any(outcome[3](point.numbers) for point in found.points)] or [
        OUTCOMES[0]
    ]
    busiest = max(found.points, key=lambda point: point.numbers.calls)
    sentence = f"{found.totals.calls:,} calls, {found.totals.errors:,} of them failed or refused."
    if found.totals.calls:
        label = _label(busiest.at, found.interval, zone)
        sentence += f" The busiest {found.interval} was {label} with {busiest.numbers.calls:,}."
    return Chart(
        id="calls",
        title=f"Calls, number per {found.interval}, {title}, {zone.key}",
        sentence=sentence,
        data={
            "kind": "bars",
            "unit": "",
            "labels": _labels(found, zone),
            "running": found.points[-1].is_running,
            "series": [
                {"name": name, "color": color, "mark": mark, "data": [count(point.numbers) for point in found.points]}
                for name, color, mark, count in shown
            ],
        },
        head=["From", *(name for name, *_ in shown)],
        rows=_rows(found, zone, [_counted(count) for *_, count in shown]),
    )


def latency_chart(found: UsageSummary, title: str, zone: ZoneInfo) -> Chart:
    """Draw latency percentiles per interval; an interval without calls is a gap."""
    known = [point for point in found.points if point.numbers.p95_ms is not None]
    sentence = "No answered call to measure."
    if known:
        slowest = max(known, key=lambda point: point.numbers.p95_ms or 0)
        sentence = (
            f"95 of 100 calls took at most {milliseconds(found.totals.p95_ms)}. The slowest {found.interval} was"
            f" {_label(slowest.at, found.interval, zone)} with {milliseconds(slowest.numbers.p95_ms)}."
        )
    return Chart(
        id="latency",
        title=f"Latency, ms, {title}, {zone.key}",
        sentence=sentence,
        data={
            "kind": "lines",
            "unit": "ms",
            "labels": _labels(found, zone),
            "running": found.points[-1].is_running,
            "series": [
                {
                    "name": name,
                    "color": color,
                    "mark": dash,
                    "data": [_rounded(value(point.numbers)) for point in found.points],
                }
                for name, color, dash, value in PERCENTILES
            ],
        },
        head=["From", *(name for name, *_ in PERCENTILES)],
        rows=_rows(found, zone, [_timed(value) for *_, value in PERCENTILES]),
    )


def _counted(count: Callable[[Numbers], int]) -> Callable[[Numbers], str]:
    return lambda numbers: f"{count(numbers):,}"


def _timed(value: Callable[[Numbers], float | None]) -> Callable[[Numbers], str]:
    return lambda numbers: milliseconds(value(numbers))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _label(moment: datetime, interval: str, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime(FORMATS[interval])


def _labels(found: UsageSummary, zone: ZoneInfo) -> list[str]:
    return [_label(point.at, found.interval, zone) for point in found.points]


def _rows(found: UsageSummary, zone: ZoneInfo, cells: list[Callable[[Numbers], str]]) -> list[list[str]]:
    def row(point: Point) -> list[str]:
        return [_label(point.at, found.interval, zone), *(cell(point.numbers) for cell in cells)]

    return [row(point) for point in reversed(found.points) if point.numbers.calls]
