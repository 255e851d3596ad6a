"""A plan: what an apply would do or did, object by object. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from apis.selectors import Impact
from apis.selectors.gate import Change
from manifests.differences import FieldChange
from manifests.manifest import Problem

Action = Literal["create", "change", "move", "remove", "none"]
MOST_ROWS = 20


@dataclass(slots=True)
class Entry:
    """One object's part of a plan. With `problems` it is refused; `code` is that of the refusal."""

    kind: str
    key: str
    team: str
    action: Action = "none"
    changes: tuple[FieldChange, ...] = ()
    notes: list[str] = field(default_factory=list)
    waiting: str = ""
    impact: dict[str, Any] | None = None
    breaks: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    code: str = ""
    url: str = ""
    file: str = ""
    line: int = 0

    @property
    def is_refused(self) -> bool:
        """Say whether it cannot be done."""
        return bool(self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return it as answers and the log of applies hold it."""
        return {
            "kind": self.kind,
            "key": self.key,
            "team": self.team,
            "action": self.action,
            "changes": [asdict(change) for change in self.changes],
            "notes": self.notes,
            "waiting": self.waiting,
            "impact": self.impact,
            "contract_changes": self.breaks,
            "refusal": {"code": self.code, "problems": [problem.as_json() for problem in self.problems]}
            if self.is_refused
            else None,
            "url": self.url,
            "file": self.file,
            "line": self.line,
        }


@dataclass(slots=True)
class Plan:
    """All entries in the order of their carrying out. `hash` names the state they were computed on."""

    entries: list[Entry]
    hash: str
    is_applied: bool = False
    apply_id: str = ""

    @property
    def refused(self) -> list[Entry]:
        """Return what cannot be done."""
        return [entry for entry in self.entries if entry.is_refused]

    @property
    def pending(self) -> list[Entry]:
        """Return what is to be done, or was."""
        return [entry for entry in self.entries if entry.action != "none" and not entry.is_refused]

    @property
    def summary(self) -> dict[str, int]:
        """Return how many objects each action has; the refused and the waiting are counted beside."""
        counts = Counter(entry.action for entry in self.entries if not entry.is_refused)
        actions = {name: counts[name] for name in ("create", "change", "move", "remove", "none")}
        waiting = sum(1 for entry in self.entries if entry.waiting)
        return {**actions, "refused": len(self.refused), "waiting": waiting}

    def as_json(self) -> dict[str, Any]:
        """Return the plan as the REST API answers it."""
        return {
            "hash": self.hash,
            "is_applied": self.is_applied,
            "apply": self.apply_id or None,
            "summary": self.summary,
            "entries": [entry.as_json() for entry in self.entries],
        }


def impact_json(impact: Impact) -> dict[str, Any]:
    """Return whom a move hits."""
    rows = [
        {"application": row.application_name, "team": row.team_name, "calls_30_days": row.calls}
        for row in impact.rows[:MOST_ROWS]
    ]
    return {
        "applications": impact.applications, "calls_30_days": impact.calls_30_days, "teams": impact.teams, "rows": rows,
    }  # fmt: skip


def contract_changes_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return what a release changes for callers, the gravest first, each with whom it hits."""
    return [
        {
            "level": change.finding.level,
            "key": change.key,
            "text": change.finding.text,
            "method": change.finding.method,
            "path": change.finding.path,
            "applications": [caller.application_name for caller in change.applications[:MOST_ROWS]],
            "calls_30_days": change.calls,
            "is_waived": change.waiver is not None,
        }
        for change in changes[:100]
    ]
