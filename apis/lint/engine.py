"""Runs the rules of a ruleset over a document, takes out what was waived, and gives a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from apis.design.json_types import JsonObject
from apis.design.problems import MAX_FINDINGS_PER_CODE, Finding, Severity
from apis.lint.rule import Rule
from apis.lint.rule import Severity as RuleSeverity
from apis.lint.rules import RULES
from apis.lint.view import DocumentView

# What a finding costs, and at how many points per operation or schema a document has half of the score.
POINTS: dict[Severity, int] = {"error": 10, "warn": 3, "info": 1}
HALF_AT = 10
_RANKS = {"error": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Ruleset:
    """How grave each rule is, by its code; a rule that is not named has its own severity.

    `custom` are rules beside ours; one with the code of ours takes its place.
    """

    severities: Mapping[str, RuleSeverity] = field(default_factory=dict)
    custom: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def rules(self) -> dict[str, Rule]:
        """Return all rules by their codes, ours first."""
        return {**RULES, **self.custom}

    def severity_of(self, code: str) -> RuleSeverity:
        """Return how grave a rule is here."""
        return self.severities.get(code) or (self.custom.get(code) or RULES[code]).severity


@dataclass(frozen=True, slots=True)
class Waived:
    """Leave for a rule's findings at a pointer and below it; "" is the whole document."""

    code: str
    pointer: str = ""

    def covers(self, finding: Finding) -> bool:
        """Say whether a finding is allowed by this."""
        if finding.code != self.code:
            return False
        return finding.pointer == self.pointer or finding.pointer.startswith(f"{self.pointer}/") or not self.pointer


@dataclass(frozen=True, slots=True)
class LintResult:
    """What was found, the gravest first; what waivers allow stands apart and costs nothing."""

    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    score: int

    def count(self, severity: Severity) -> int:
        """Return how many findings have a severity."""
        return sum(1 for finding in self.findings if finding.severity == severity)


def lint_document(document: JsonObject, ruleset: Ruleset | None = None, waivers: Sequence[Waived] = ()) -> LintResult:
    """Return what stands against the rules in a canonical document, in a few passes over it."""
    view, ruleset = DocumentView(document), ruleset or Ruleset()
    found: list[Finding] = []
    waived: list[Finding] = []
    cost = 0
    for code, rule in ruleset.rules.items():
        severity = ruleset.severity_of(code)
        if severity == "off":
            continue
        kept = 0
        for pointer, message in rule.check(view):
            finding = Finding(code, severity, message, pointer)
            if any(waiver.covers(finding) for waiver in waivers):
                waived.append(finding)
                continue
            kept += 1
            cost += POINTS[severity]
            if kept <= MAX_FINDINGS_PER_CODE:
                found.append(finding)
        if kept > MAX_FINDINGS_PER_CODE:
            found.append(Finding(code, severity, f"{kept - MAX_FINDINGS_PER_CODE} more of this kind are not listed."))
    ordered = sorted(found, key=lambda finding: _RANKS[finding.severity])
    return LintResult(tuple(ordered), tuple(waived), score_of(cost, view.size))


def score_of(cost: int, size: int) -> int:
    """Return 100 for no finding, 50 at ten points per operation or schema, and towards 0 beyond."""
    return round(100 * HALF_AT * size / (HALF_AT * size + cost))


def in_source(finding: Finding, version: str) -> Finding:
    """Return a finding with its pointer as the source has it: Swagger 2.0 keeps schemas elsewhere."""
    if version != "2.0" or not finding.pointer.startswith("/components/"):
        return finding
    pointer = finding.pointer.replace("/components/schemas", "/definitions", 1)
    pointer = pointer.replace("/components/parameters", "/parameters", 1).replace("/components/responses", "/responses")
    return replace(finding, pointer=pointer)
