"""What is wrong with a document, in words that help: findings and the error that carries them.

DesignError
    the document cannot be read or used; .findings says why
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warn", "info"]

# One broken generator repeats itself thousands of times; a reader needs the first of each kind.
MAX_FINDINGS_PER_CODE = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a document; pointer is an RFC 6901 JSON pointer into the source."""

    code: str
    severity: Severity
    message: str
    pointer: str = ""
    line: int | None = None


class DesignError(ValueError):
    """A document that cannot be used; at least one of its findings is an error."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("; ".join(finding.message for finding in self.findings[:3]))

    @property
    def code(self) -> str:
        """Return the code of the first error."""
        return self.findings[0].code if self.findings else "document-invalid"


def refuse(code: str, message: str, pointer: str = "", line: int | None = None) -> DesignError:
    """Build the DesignError of one single finding."""
    return DesignError([Finding(code, "error", message, pointer, line)])


def cap_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Keep the first findings of each code, and say how many more there are."""
    kept: list[Finding] = []
    seen: dict[str, int] = {}
    severities: dict[str, Severity] = {}
    for finding in findings:
        seen[finding.code] = seen.get(finding.code, 0) + 1
        severities.setdefault(finding.code, finding.severity)
        if seen[finding.code] <= MAX_FINDINGS_PER_CODE:
            kept.append(finding)
    for code, count in seen.items():
        if count > MAX_FINDINGS_PER_CODE:
            more = count - MAX_FINDINGS_PER_CODE
            kept.append(Finding(code, severities[code], f"{more} more of this kind are not listed."))
    return kept
