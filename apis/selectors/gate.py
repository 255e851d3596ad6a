"""The diff gate: what a revision would change for the callers of its version, and whether it may become current."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from apis import ports
from apis.diff import LEVELS, Finding, compare, verdict
from apis.diff.settings import compare_body_limit, compare_settings
from apis.models import Revision, Waiver
from apis.ports import OperationCaller
from apis.selectors.versions import IMPACT_DAYS, current_revision
from common.clock import now


@dataclass(frozen=True, slots=True)
class Change:
    """One change, whom it hits (calls of 30 days of the operation it is in), and the waiver that allows it."""

    finding: Finding
    applications: tuple[OperationCaller, ...] = ()
    waiver: Waiver | None = None

    @property
    def key(self) -> str:
        """Return what ticks and waivers name it by."""
        return self.finding.key

    @property
    def calls(self) -> int:
        """Return the calls of 30 days that it hits."""
        return sum(caller.calls for caller in self.applications)


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict on a revision against what is current. `level` is that of the changes, waived or not."""

    revision: Revision
    against: Revision | None
    level: str
    changes: tuple[Change, ...]

    def of(self, level: str) -> list[Change]:
        """Return the changes of a level."""
        return [change for change in self.changes if change.finding.level == level]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Return how many changes there are of each level that has some, the gravest first."""
        return [(level, len(self.of(level))) for level in LEVELS if self.of(level)]

    @property
    def blocking(self) -> list[Change]:
        """Return the breaks that no waiver allows."""
        return [change for change in self.of("breaking") if change.waiver is None]

    @property
    def outcome(self) -> str:
        """Return what the verdict makes of the revision: `revision`, or `version` when callers would break."""
        return "version" if self.blocking else "revision"

    def unticked(self, accepted: Collection[str]) -> list[Change]:
        """Return the risky changes that are not accepted."""
        return [change for change in self.of("risky") if change.key not in accepted]


def gate_of(revision: Revision, against: Revision | None = None) -> Gate:
    """Return the gate's answer for a revision, against what is current unless another is given."""
    version = revision.version
    against = against or current_revision(version)
    if against is None or not against.document or not revision.document:
        return Gate(revision, against, "safe", ())
    findings = changes_between(against, revision)
    hits = hits_of(against, findings)
    waivers = {waiver.key: waiver for waiver in version.waivers.filter(expires_at__gt=now()).order_by("id")}
    changes = tuple(
        Change(finding, hits.get((finding.method, finding.path), ()), waivers.get(finding.key)) for finding in findings
    )
    return Gate(revision, against, verdict(findings), changes)


def changes_between(old: Revision, new: Revision) -> list[Finding]:
    """Return what two revisions mean for callers, by their documents and by what the gateway asks; breaks first."""
    findings = [
        *compare(old.document, new.document, today=now().date()),
        *compare_settings(old.gateway, new.gateway),
        *compare_body_limit(old.max_body_bytes, new.max_body_bytes),
    ]
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def hits_of(against: Revision, findings: list[Finding]) -> dict[tuple[str, str], tuple[OperationCaller, ...]]:
    """Return who called the operations that findings name, by (method, path); ("", "") is the whole document."""
    if ports.callers_of_operations is None:
        raise RuntimeError("apis.ports.callers_of_operations is not filled (apis.E001)")
    places = {(finding.method, finding.path) for finding in findings if finding.level != "safe"}
    if not places:
        return {}
    callers = ports.callers_of_operations(against.version, IMPACT_DAYS)
    by_place: dict[tuple[str, str], tuple[OperationCaller, ...]] = {}
    for method, path, operation_id in against.operations.values_list("method", "path", "operation_id"):
        if (method, path) in places:
            by_place[method, path] = tuple(callers.get(operation_id, ()))
    if ("", "") in places:
        by_place["", ""] = _together(callers.values())
    return by_place


def _together(groups: Collection[list[OperationCaller]]) -> tuple[OperationCaller, ...]:
    sums: dict[str, OperationCaller] = {}
    for caller in (caller for group in groups for caller in group):
        known = sums.get(caller.application_id)
        calls = caller.calls + (known.calls if known else 0)
        sums[caller.application_id] = OperationCaller(caller.application_id, caller.application_name, calls)
    return tuple(sorted(sums.values(), key=lambda caller: -caller.calls))
