"""The ranges of usage pages: `?range=24h`, in the URL so that a pasted link shows the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest

from common.clock import now
from usage.selectors import floor

DEFAULT = "24h"


@dataclass(frozen=True, slots=True)
class Span:
    """A choice of range: its key, words, interval and how many intervals."""

    key: str
    words: str
    interval: str
    step: timedelta
    count: int


SPANS = {
    span.key: span
    for span in (
        Span("1h", "hour", "minute", timedelta(minutes=1), 60),
        Span("24h", "24 hours", "hour", timedelta(hours=1), 24),
        Span("7d", "7 days", "hour", timedelta(hours=1), 24 * 7),
        Span("30d", "30 days", "day", timedelta(days=1), 30),
    )
}


@dataclass(frozen=True, slots=True)
class Range:
    """The chosen range: whole intervals up to the running one."""

    span: Span
    since: datetime
    until: datetime

    @property
    def title(self) -> str:
        """Return the words for a chart's title."""
        return f"last {self.span.words}"

    @property
    def before(self) -> tuple[datetime, datetime]:
        """Return the range of the same length before this one."""
        return self.since - self.span.step * self.span.count, self.since


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to another range."""

    words: str
    url: str
    is_current: bool


def range_of(request: HttpRequest) -> Range:
    """Return the range a page asks for, the last 24 hours when it asks for none there is."""
    span = SPANS.get(request.GET.get("range", DEFAULT), SPANS[DEFAULT])
    until = now()
    since = floor(until, span.interval) - span.step * (span.count - 1)
    return Range(span, since, until)


def choices(request: HttpRequest, chosen: Range) -> list[Choice]:
    """Return a link per range that keeps the other filters."""
    links = []
    for span in SPANS.values():
        query = request.GET.copy()
        query["range"] = span.key
        links.append(Choice(f"Last {span.words}", f"?{query.urlencode()}", span.key == chosen.span.key))
    return links
