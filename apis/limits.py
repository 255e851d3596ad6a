"""The limits of a plan: from the JSON a plan holds to the records the gateway counts by. Pure."""

from __future__ import annotations

import re
from typing import Any

from common.errors import Invalid
from gateway.dataplane.records import LimitRecord

WINDOWS = {"60s": 60, "1d": 86_400}
UNITS = ("requests", "tokens", "nano_usd")
MAX_LIMIT = 10**12
MAX_ENTRIES = 10
_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_KEYS = frozenset({"id", "unit", "limit", "window", "algo", "by", "hard"})


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


def parse_limits(limits: Any) -> tuple[LimitRecord, ...]:
    """Return the counters of a plan; raise Invalid that names each wrong value by its pointer."""
    if not isinstance(limits, list):
        raise Invalid("Limits are a list.", errors=[{"detail": "Limits are a list.", "pointer": "/limits"}])
    errors: list[dict[str, Any]] = []
    if len(limits) > MAX_ENTRIES:
        errors.append({"detail": f"A plan has at most {MAX_ENTRIES} limits, not {len(limits)}.", "pointer": "/limits"})
    seen: set[str] = set()
    for index, entry in enumerate(limits[:MAX_ENTRIES]):
        errors += [
            {"detail": detail, "pointer": f"/limits/{index}{pointer}"} for detail, pointer in _problems(entry, seen)
        ]
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    return tuple(
        LimitRecord(
            id=entry["id"],
            limit=entry["limit"],
            window_seconds=WINDOWS[entry["window"]],
            unit=entry.get("unit", "requests"),
            by=entry.get("by", "subscription"),
        )
        for entry in limits
    )


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
    if not isinstance(window, str) or window not in WINDOWS:
        found.append((f"The window {_show(window)} is not one of {', '.join(WINDOWS)}.", "/window"))
    fixed = {"algo": "fixed_window", "by": "subscription", "hard": True}
    found += [
        (f"{key} {_show(entry[key])} is not available yet; it is {_show(value)}.", f"/{key}")
        for key, value in fixed.items()
        if entry.get(key, value) != value
    ]
    if entry.get("unit", "requests") not in UNITS:
        found.append((f"The unit {_show(entry['unit'])} is not one of {', '.join(UNITS)}.", "/unit"))
    return found


def _show(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
