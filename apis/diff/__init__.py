"""What changed between two documents of a version, and whom it breaks. Pure: canonical OpenAPI 3.1 in, findings out.

Judged by the contract alone: what callers send may only be narrowed by a break, what they get may only be widened by
one. `rules` is the table of all findings, `operations` walks the document, `schemas` compares in one direction. A
break is never hidden; where the contract cannot tell, a finding is risky.
"""

from __future__ import annotations

from datetime import date

from apis.design.json_types import JsonObject
from apis.diff.finding import LEVELS, Finding, Report
from apis.diff.operations import compare_documents
from apis.diff.rules import RULES

__all__ = ["LEVELS", "RULES", "Finding", "compare", "verdict"]


def compare(old: JsonObject, new: JsonObject, *, today: date) -> list[Finding]:
    """Return what changed, breaks first, then in the order of the document. Sunsets are judged by `today`."""
    report = Report(old, new)
    compare_documents(report, today)
    return sorted(report.findings, key=lambda finding: LEVELS.index(finding.level))


def verdict(findings: list[Finding]) -> str:
    """Return the gravest level, `safe` when there is nothing."""
    return next((level for level in LEVELS if any(finding.level == level for finding in findings)), "safe")
