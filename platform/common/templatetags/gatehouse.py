"""What templates need to speak well: states, times, money, counts, Markdown."""

from __future__ import annotations

import json
import math
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import nh3
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from common.clock import now

register = template.Library()
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
TAGS = nh3.ALLOWED_TAGS - {"img", "style", "form", "input", "button", "map", "area"}

# state -> (word, icon, what the gateway does)
STATES: dict[str, tuple[str, str, str]] = {
    "draft": ("Draft", "pencil", "Not at the gateway: calls get 404"),
    "in_review": ("In review", "eye-check", "Frozen until it is judged; calls get 404"),
    "approved": ("Approved", "circle-check", "Ready to publish; calls get 404"),
    "preview": ("Preview", "flask", "Routed for listed applications"),
    "published": ("Published", "broadcast", "Routed"),
    "deprecated": ("Deprecated", "alarm", "Routed, with Deprecation and Sunset headers"),
    "retired": ("Retired", "circle-off", "Calls get 410"),
    "archived": ("Archived", "archive", "Calls get 404; history kept"),
    "blocked": ("Blocked", "ban", "Calls get 503"),
    "pending": ("Pending", "hourglass", "Waits for approval; calls get 403"),
    "active": ("Active", "circle-check", "Calls are served"),
    "change_pending": ("Change pending", "hourglass", "The old plan serves until the change is approved"),
    "suspended": ("Suspended", "alarm", "Calls get 403"),
    "ended": ("Ended", "circle-off", "Calls get 403"),
    "rejected": ("Rejected", "circle-x", "Never served"),
    "cancelled": ("Cancelled", "circle-x", "Never served"),
    "rotating": ("Rotating", "refresh", "Old and new key are both served"),
    "disabled": ("Disabled", "ban", "Calls get 401 until it is enabled"),
    "expired": ("Expired", "clock", "Calls get 401"),
    "revoked": ("Revoked", "circle-off", "Calls get 401"),
    "current": ("Current", "broadcast", "What the gateway serves"),
    "superseded": ("Superseded", "history", "Served before"),
    "breaking": ("Breaking", "circle-x", "Callers would break"),
    "risky": ("Risky", "alert-triangle", "The document alone cannot tell"),
    "safe": ("Safe", "circle-check", "No caller notices"),
    "failed": ("Failed", "alert-triangle", "It did not work"),
    "warning": ("Warning", "alert-triangle", "Needs a look"),
    "queued": ("Queued", "hourglass", "Waits for a worker"),
    "running": ("Running", "loader-2", "At work"),
    "done": ("Done", "check", "Finished"),
    "create": ("Create", "plus", "It is made"),
    "change": ("Change", "edit", "Its fields change"),
    "move": ("Move", "arrow-right", "It goes to another state"),
    "remove": ("Remove", "trash", "No manifest names it any more"),
    "none": ("Unchanged", "check", "It is as its manifest says"),
    "refused": ("Refused", "ban", "It cannot be done"),
    "applied": ("Applied", "check", "All of it was done"),
    "partly": ("Applied in part", "alert-triangle", "What could be done was done"),
}


@register.filter
def state_word(state: str) -> str:
    """Return the word people read for a state."""
    known = STATES.get(state)
    return known[0] if known else state.replace("_", " ").capitalize()


@register.filter
def in_plan(value: Any) -> str:
    """Return a field's value as a plan shows it."""
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:299]}…"


@register.filter
def state_icon(state: str) -> str:
    """Return the icon's name for a state."""
    known = STATES.get(state)
    return known[1] if known else "circle"


@register.filter
def state_meaning(state: str) -> str:
    """Return what the gateway does in a state."""
    known = STATES.get(state)
    return known[2] if known else ""


@register.filter
def markdown(text: str) -> SafeString:
    """Render Markdown to sanitised HTML: no images, no raw HTML, links without referrer."""
    return mark_safe(nh3.clean(_markdown.render(text or ""), tags=TAGS))  # noqa: S308  sanitised by nh3


@register.filter
def grouped(number: float | None) -> str:
    """Return a count with thousands separated."""
    return "0" if number is None else f"{number:,.0f}"


@register.filter
def money(amount: Decimal | str | None) -> str:
    """Return USD with as many digits as matter: $0.00042, $1,204.10."""
    # A template passes "" for an attribute of nothing.
    if amount is None or amount == "":
        return "no price"
    value = Decimal(amount)
    if value == 0:
        return "$0.00"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    return f"${value:.{min(max(2, 1 - value.adjusted()), 9)}f}"


@register.filter
def availability(share: float) -> str:
    """Return a share from 0 to 1 as percent, cut and not rounded: 99.99 %; all is 100 % only when it was all."""
    return f"{math.floor(share * 10_000 + 1e-9) / 100:.2f} %"


@register.filter
def milliseconds(value: float | None) -> str:
    """Return a duration: 12 ms, 3.4 s."""
    if value is None:
        return "no data"
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.1f} s"


@register.filter
def size(number: int | None) -> str:
    """Return bytes as people read them: 340 B, 12 KB, 3.4 MB."""
    value = float(number or 0)
    for unit in ("B", "KB", "MB"):
        if value < 1024:
            return f"{value:,.1f} MB" if unit == "MB" else f"{value:,.0f} {unit}"
        value /= 1024
    return f"{value:,.1f} GB"


@register.filter
def sort_url(table: Any, name: str) -> str:
    """Return the URL that sorts a table by a column, turning it on the second click."""
    return table.sort_url(name)


UNITS = (
    (3600, "minute", 60.0),
    (86400, "hour", 3600.0),
    (86400 * 60, "day", 86400.0),
    (86400 * 730, "month", 86400 * 30.44),
    (float("inf"), "year", 86400 * 365.25),
)


def relative(moment: datetime, reference: datetime | None = None) -> str:
    """Say how far a moment is away: just now, 5 minutes ago, in 12 days."""
    seconds = (moment - (reference or now())).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return "just now" if seconds <= 0 else "in a moment"
    unit, length = next((unit, length) for limit, unit, length in UNITS if distance < limit)
    count = max(1, round(distance / length))
    text = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {text}" if seconds > 0 else f"{text} ago"


@register.simple_tag
def ago(moment: datetime | None, user: Any = None) -> str:
    """Render a moment relative, with the absolute time in the person's zone as the tooltip."""
    if moment is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), absolute(moment, user), relative(moment)
    )


@register.simple_tag
def on_date(moment: datetime | None, user: Any = None) -> str:
    """Render a date such as 1 March 2027, with time and zone as the tooltip."""
    if moment is None:
        return "no date"
    local = moment.astimezone(_zone(user))
    text = f"{local.day} {local:%B %Y}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), absolute(moment, user), text)


@register.simple_tag
def on_time(moment: datetime | None, user: Any = None) -> str:
    """Return `<time>` with day, hour and minute in the person's zone."""
    if moment is None:
        return ""
    local = moment.astimezone(_zone(user))
    text = f"{local.day} {local:%B %Y, %H:%M} {local.tzname()}"
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), text)


def absolute(moment: datetime, user: Any = None) -> str:
    """Return date, time and zone."""
    local = moment.astimezone(_zone(user))
    return f"{local.day} {local:%B %Y, %H:%M:%S} {local.tzname()}"


def _zone(user: Any) -> ZoneInfo:
    try:
        return ZoneInfo(getattr(user, "zone", "") or "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


@register.filter
def nano_money(nano: int | None) -> str:
    """Return nano-USD as money."""
    return money(None if nano is None else Decimal(nano) / 10**9)


WINDOWS = {"60s": "minute", "1m": "minute", "1h": "hour", "1d": "day", "86400s": "day"}


@register.filter
def limits_text(limits: list[dict[str, Any]]) -> str:
    """Say a plan's limits in words: 60 requests per minute, 1,000 requests per day."""
    if not limits:
        return "no limits"
    return ", ".join(_limit_text(item) for item in limits)


def _limit_text(item: dict[str, Any]) -> str:
    if item.get("unit") == "concurrent":
        return f"{item.get('limit', 0):,} at once"
    window = str(item.get("window"))
    return f"{item.get('limit', 0):,} {item.get('unit', 'requests')} per {WINDOWS.get(window, window)}"


# Moves that ask for more than consent have a page of their own.
OWN_PAGES = {"publish", "deprecate", "retire", "preview", "block", "archive"}


@register.filter
def move_path(name: str) -> str:
    """Return where a move's page lies below its version's."""
    return name if name in OWN_PAGES else f"moves/{name.replace('_', '-')}"


@register.filter
def verb_words(verb: str) -> str:
    """Return an audit verb in words: `version.undo_deprecation` is Undo deprecation."""
    return verb.rpartition(".")[2].replace("_", " ").capitalize()
