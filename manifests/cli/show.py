"""A plan as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from manifests.cli.client import place

SIGNS = {"create": ("+", "32"), "change": ("~", "33"), "move": (">", "36"), "remove": ("-", "31"), "none": (" ", "0")}
LONGEST = 90
# What an apply did, in the past; what a plan would do.
DONE = {"create": "created", "change": "changed", "move": "moved", "remove": "removed", "none": "unchanged"}


def plan_text(plan: Mapping[str, Any], *, is_coloured: bool) -> str:
    """Return the plan's entries and their sum."""
    lines: list[str] = []
    for entry in plan["entries"]:
        if entry["action"] != "none" or entry["refusal"] or entry["waiting"] or entry["notes"]:
            lines += _entry(entry, is_coloured)
    return "\n".join([*lines, *([""] if lines else []), _sum(plan)])


def _entry(entry: Mapping[str, Any], is_coloured: bool) -> Iterator[str]:
    sign, colour = ("!", "31") if entry["refusal"] else SIGNS[entry["action"]]
    word = "refused" if entry["refusal"] else entry["action"] if entry["action"] != "none" else "as it is"
    head = f"{sign} {word:8} {entry['kind']} {entry['key']}"
    yield f"\x1b[{colour}m{head}\x1b[0m" if is_coloured else head
    for change in entry["changes"]:
        old, new = _value(change["old"]), _value(change["new"])
        yield (
            f"      {change['field']}: {new}"
            if entry["action"] == "create"
            else f"      {change['field']}: {old} -> {new}"
        )
    if impact := entry["impact"]:
        yield f"      Hits {_count(impact['applications'], 'application')} of {_count(impact['teams'], 'team')}, " + (
            f"{_count(impact['calls_30_days'], 'call')} in 30 days."
        )
        for row in impact["rows"]:
            yield f"        {row['application']} of {row['team']}: {_count(row['calls_30_days'], 'call')}"
    for change in entry["contract_changes"]:
        hit = f" Hits {', '.join(change['applications'])}." if change["applications"] else ""
        where = f"{change['method']} {change['path']}".strip()
        yield f"      {change['level']}: {where}{': ' if where else ''}{change['text']}{hit} [{change['key']}]"
    for note in entry["notes"]:
        yield f"      {note}"
    if entry["waiting"]:
        yield f"      Waits: {entry['waiting']}"
    for problem in (entry["refusal"] or {}).get("problems", ()):
        yield f"      {place(problem)}"


def _sum(plan: Mapping[str, Any]) -> str:
    counts = plan["summary"]
    words = [
        f"{counts[name]} {DONE[name] if plan['is_applied'] else 'to ' + name}"
        for name in list(SIGNS)[:4]
        if counts[name]
    ]
    words += [f"{counts['none']} unchanged"] if counts["none"] else []
    words += [f"{counts['waiting']} waiting for somebody"] if counts["waiting"] else []
    words += [f"{counts['refused']} refused"] if counts["refused"] else []
    return f"{', '.join(words) or 'Nothing was sent'}."


def _value(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
