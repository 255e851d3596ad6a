"""The burn-down of a version's callers: calls per day, stacked by application, drawn as SVG with a table beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

WIDTH, HEIGHT, TOP = 720, 160, 16
MOST_SERIES = 5
OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a day's bar; `series` numbers its colour from 1."""

    x: float
    y: float
    width: float
    height: float
    series: int
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth a line: its place and what it was."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class BurnDown:
    """The drawing, its legend of (series, name), the days as rows, and one sentence that says what it shows."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    legend: tuple[tuple[int, str], ...]
    rows: tuple[tuple[date, int, int], ...]
    top: int
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


def draw_burn_down(
    days: Mapping[date, Mapping[str, int]], names: Mapping[str, str], marks: Sequence[tuple[datetime, str]] = ()
) -> BurnDown:
    """Draw calls per day; the five applications with most calls have their own colour, the rest are one."""
    order = sorted(days)
    totals: Counter[str] = Counter()
    for calls in days.values():
        totals.update(calls)
    shown = [name for name, _ in totals.most_common(MOST_SERIES)]
    top = max([sum(calls.values()) for calls in days.values()] or [0])
    step = WIDTH / max(1, len(order))
    bars = [
        bar for index, day in enumerate(order) for bar in _bars(index * step, step, day, days[day], shown, names, top)
    ]
    legend = [(number, names.get(name, name)) for number, name in enumerate(shown, start=1)]
    if len(totals) > len(shown):
        legend.append((MOST_SERIES + 1, OTHER))
    return BurnDown(
        bars=tuple(bars),
        marks=tuple(
            Mark(round((order.index(at.date()) + 0.5) * step, 1), text) for at, text in marks if at.date() in days
        ),
        legend=tuple(legend),
        rows=tuple((day, sum(days[day].values()), len(days[day])) for day in reversed(order)),
        top=top,
        summary=_summary(order, days),
    )


def _bars(
    x: float, step: float, day: date, calls: Mapping[str, int], shown: list[str], names: Mapping[str, str], top: int
) -> list[Bar]:
    parts = [(number, names.get(name, name), calls.get(name, 0)) for number, name in enumerate(shown, start=1)]
    parts.append((MOST_SERIES + 1, OTHER, sum(count for name, count in calls.items() if name not in shown)))
    bars: list[Bar] = []
    y = float(HEIGHT)
    for series, name, count in parts:
        if count:
            height = count / top * (HEIGHT - TOP)
            y -= height
            text = f"{day:%-d %B}: {name}, {count:,} calls"
            left, wide, high = round(x + step * 0.1, 1), round(step * 0.8, 1), round(height, 1)
            bars.append(Bar(left, round(y, 1), wide, high, series, text))
    return bars


def _summary(order: list[date], days: Mapping[date, Mapping[str, int]]) -> str:
    def week(part: list[date]) -> tuple[int, int]:
        return sum(sum(days[day].values()) for day in part), len({name for day in part for name in days[day]})

    (calls, callers), (calls_before, callers_before) = week(order[-7:]), week(order[-14:-7])
    return (
        f"{_many(callers, 'application')} with {_many(calls, 'call')} in the last 7 days, "
        f"{_many(callers_before, 'application')} with {_many(calls_before, 'call')} in the 7 before."
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
