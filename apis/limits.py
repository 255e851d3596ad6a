"""The limits of a plan: from the JSON a plan holds to the records the gateway counts by. Pure."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.errors import Invalid
from gateway.dataplane.records import LimitRecord

# How long a calendar window is at most, in seconds; the gateway knows its real bounds.
CALENDARS = {"day": 86_400, "month": 31 * 86_400}
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
UNITS = ("requests", "bytes", "tokens", "nano_usd", "concurrent")
ALGORITHMS = ("fixed_window", "sliding_window", "token_bucket")
OWNERS = ("subscription", "key", "application", "team", "api", "upstream")
MAX_LIMIT = 10**12
MAX_WINDOW_SECONDS = 366 * 86_400
MAX_ENTRIES = 10
MAX_QUEUE = 10_000
MAX_QUEUE_MS = 60_000
MAX_PRIORITY = 100
_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_WINDOW = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_KEYS = frozenset(
    {"id", "unit", "limit", "window", "algo", "by", "hard", "time_zone", "queue_size", "queue_timeout_ms", "priority"}
)


def make_limits(*, per_minute: int | None = None, per_day: int | None = None) -> list[dict[str, Any]]:
    """Return the JSON of the two usual limits, requests per minute and per day; None leaves one out."""
    entries = (("minute", per_minute, "60s"), ("day", per_day, "1d"))
    return [
        {
            "id": name,
            "unit": "requests",
            "limit": limit,
            "window": window,
            "algo": "fixed_window",
            "by": "subscription",
            "hard": True,
        }
        for name, limit, window in entries
        if limit is not None
    ]


USUAL = frozenset({"minute", "day"})


def change_usual(
    limits: list[dict[str, Any]], *, per_minute: int | None = None, per_day: int | None = None
) -> list[dict[str, Any]]:
    """Return limits with the two usual ones as given: how those are counted stays, and so do all others."""
    before = {entry["id"]: entry for entry in limits}
    usual = [
        {**entry, **before.get(entry["id"], {}), "limit": entry["limit"]}
        for entry in make_limits(per_minute=per_minute, per_day=per_day)
    ]
    return usual + other_limits(limits)


def other_limits(limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the limits that are not the two usual ones."""
    return [entry for entry in limits if entry["id"] not in USUAL]


def parse_limits(limits: Any, name: str = "limits") -> tuple[LimitRecord, ...]:
    """Return the counters of a plan; raise Invalid that names each wrong value by its pointer below `name`."""
    if not isinstance(limits, list):
        raise Invalid("Limits are a list.", errors=[{"detail": "Limits are a list.", "pointer": f"/{name}"}])
    errors: list[dict[str, Any]] = []
    if len(limits) > MAX_ENTRIES:
        errors.append({"detail": f"A plan has at most {MAX_ENTRIES} limits, not {len(limits)}.", "pointer": f"/{name}"})
    seen: set[str] = set()
    for index, entry in enumerate(limits[:MAX_ENTRIES]):
        errors += [
            {"detail": detail, "pointer": f"/{name}/{index}{pointer}"} for detail, pointer in _problems(entry, seen)
        ]
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    return tuple(_record(entry) for entry in limits)


def _record(entry: dict[str, Any]) -> LimitRecord:
    window = entry.get("window", "")
    return LimitRecord(
        id=entry["id"],
        limit=entry["limit"],
        window_seconds=_window_seconds(window) or 0,
        unit=entry.get("unit", "requests"),
        by=entry.get("by", "subscription"),
        algorithm=entry.get("algo", "fixed_window"),
        calendar=window if window in CALENDARS else "",
        time_zone=entry.get("time_zone", "UTC"),
        queue_size=entry.get("queue_size", 0),
        queue_seconds=entry.get("queue_timeout_ms", 0) / 1000,
        priority=entry.get("priority", 0),
    )


def _window_seconds(window: Any) -> int | None:
    """Return the seconds of `60s`, `15m`, `1h`, `1d`, `day` or `month`; None for what is none of these."""
    if not isinstance(window, str):
        return None
    if window in CALENDARS:
        return CALENDARS[window]
    match = _WINDOW.fullmatch(window)
    seconds = int(match[1]) * UNIT_SECONDS[match[2]] if match else None
    return seconds if seconds is not None and seconds <= MAX_WINDOW_SECONDS else None


def _problems(entry: Any, seen: set[str]) -> list[tuple[str, str]]:
    if not isinstance(entry, dict):
        return [("A limit is an object with id, limit and window.", "")]
    found = [(f"{key} is not a field of a limit.", f"/{key}") for key in sorted(map(str, set(entry) - _KEYS))]
    name, limit, window = entry.get("id"), entry.get("limit"), entry.get("window")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        found.append((f"The id {_show(name)} is not a short lower-case name such as minute.", "/id"))
    elif name in seen:
        found.append((f"The id {name} stands twice.", "/id"))
    else:
        seen.add(name)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= MAX_LIMIT:
        found.append((f"The limit {_show(limit)} is not a whole number from 0 to {MAX_LIMIT}.", "/limit"))
    unit, algorithm = entry.get("unit", "requests"), entry.get("algo", "fixed_window")
    is_concurrent = unit == "concurrent"
    if is_concurrent and window is not None:
        found.append(("A concurrent limit has no window: it counts the calls under way.", "/window"))
    elif not is_concurrent and _window_seconds(window) is None:
        found.append(
            (f"The window {_show(window)} is not a time such as 60s, 15m, 1h, 1d, or day or month.", "/window")
        )
    elif window in CALENDARS and algorithm != "fixed_window":
        found.append((f"A calendar {window} is a fixed_window; a {_show(algorithm)} needs a time such as 1d.", "/algo"))
    for key, value, known in (
        ("unit", unit, UNITS),
        ("algo", algorithm, ALGORITHMS),
        ("by", entry.get("by", "subscription"), OWNERS),
    ):
        if value not in known:
            found.append((f"{key} {_show(value)} is not one of {', '.join(known)}.", f"/{key}"))
    if entry.get("hard", True) is not True:
        found.append((f"hard {_show(entry['hard'])} is not available yet; it is True.", "/hard"))
    found += _zone_problems(entry)
    found += _queue_problems(entry, is_concurrent)
    return found


def _zone_problems(entry: dict[str, Any]) -> list[tuple[str, str]]:
    zone = entry.get("time_zone", "UTC")
    if zone != "UTC" and entry.get("window") not in CALENDARS:
        return [("A time zone belongs to the windows day and month.", "/time_zone")]
    try:
        ZoneInfo(zone)
    except (ValueError, TypeError, OSError, ZoneInfoNotFoundError):
        return [(f"The time zone {_show(zone)} is not one such as Europe/Zurich.", "/time_zone")]
    return []


def _queue_problems(entry: dict[str, Any], is_concurrent: bool) -> list[tuple[str, str]]:
    found = []
    bounds = {"queue_size": MAX_QUEUE, "queue_timeout_ms": MAX_QUEUE_MS, "priority": MAX_PRIORITY}
    for key, most in bounds.items():
        if key not in entry:
            continue
        value = entry[key]
        if not is_concurrent:
            found.append((f"{key} belongs to a concurrent limit: other limits let nobody wait.", f"/{key}"))
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            found.append((f"{key} {_show(value)} is not a whole number from 0 to {most}.", f"/{key}"))
    return found


def _show(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
