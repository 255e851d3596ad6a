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
    alike: dict[str, list[str]] = {}
    for entry in plan["entries"]:
        if entry["action"] != "none" or entry["refusal"] or entry["waiting"]:
            lines += _entry(entry, is_coloured)
        for note in entry["notes"] if entry["action"] == "none" and not entry["refusal"] else ():
            alike.setdefault(note, []).append(f"      {entry['kind']} {entry['key']}")
    for note, names in alike.items():
        lines += [f"  as it is {_count(len(names), 'object')}: {note}", *names]
    return "\n".join([*lines, *([""] if lines else []), _sum(plan)])


def _entry(entry: Mapping[str, Any], is_coloured: bool) -> Iterator[str]:
    sign, colour = ("!", "31") if entry["refusal"] else SIGNS[entry["action"]]
    word = "refused" if entry["refusal"] else entry["action"] if entry["action"] != "none" else "as it is"
    head = f"{sign} {word:8} {entry['kind']} {entry['key']}"
    yield f"\x1b[{colour}m{head}\x1b[0m" if is_coloured else head
    for change in entry["changes"]:
        yield f"      {change['field']}: {_change(change['old'], change['new'], is_new=entry['action'] == 'create')}"
    if impact := entry["impact"]:
        yield f"      Hits {_count(impact['applications'], 'application')} of {_count(impact['teams'], 'team')}, " + (
            f"{_count(impact['calls_30_days'], 'call')} in 30 days."
        )
        for row in impact["rows"]:
            yield f"        {row['application']} of {row['team']}: {_count(row['calls_30_days'], 'call')}"
    for change in entry["contract_changes"]:
        hit = f" Hits {', '.join(change['applications'])}." if change["applications"] else ""
        # Only a risky one is ticked by its key.
        key = f" [{change['key']}]" if change["level"] == "risky" else ""
        where = f"{change['method']} {change['path']}".strip()
        yield f"      {change['level']}: {where}{': ' if where else ''}{change['text']}{hit}{key}"
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


def _change(old: Any, new: Any, *, is_new: bool) -> str:
    if is_new:
        return _value(new)
    if _is_words(old) and _is_words(new) and sorted(old) != sorted(new):
        gone, come = [word for word in old if word not in new], [word for word in new if word not in old]
        return " ".join([*(f"-{word}" for word in gone), *(f"+{word}" for word in come)])
    return f"{_value(old)} -> {_value(new)}"


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _value(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "nothing"
    text = value if isinstance(value, str) and value.startswith("sha256:") else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
