"""Lint of documents that are kept: by which ruleset, with which waivers, and the score that stands with a revision."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import F

from apis.lint import LintResult, Ruleset, Waived, lint_document
from apis.lint.spectral.parse import BadRuleset, parse_ruleset
from apis.lint.spectral.ruleset import SpectralRuleset
from apis.models import ApiVersion, CatalogEntry, LintRuleset, LintWaiver, Revision
from common.clock import now
from common.errors import Invalid, NotAllowed, NotFound, Stale
from teams.models import Team, User
from teams.roles import require_permission
from teams.services.audit import record_audit

logger = logging.getLogger("gatehouse.apis.lint")
MOST_ERRORS = 30
SEVERITIES = ("error", "warn", "info", "off")
# Documents whose score is shown somewhere.
SCORED = ("draft", "in_review", "approved", "current")


def ruleset_for(team: Team | None) -> Ruleset:
    """Return the rules of a team's documents: its own over the organisation's; for None the organisation's alone."""
    rows = LintRuleset.objects.filter(team=None)
    if team is not None:
        rows |= LintRuleset.objects.filter(team=team)
    held = Ruleset()
    for row in sorted(rows, key=lambda row: row.team_id is not None):
        held = _layer(held, read_spectral(row.spectral), row.severities)
    return held


def _layer(below: Ruleset, spectral: SpectralRuleset, severities: Mapping[str, Any]) -> Ruleset:
    held = spectral.over(below)
    chosen = {code: severity for code, severity in severities.items() if code in held.rules}
    return replace(held, severities={**held.severities, **chosen})


@lru_cache(maxsize=200)
def read_spectral(source: str) -> SpectralRuleset:
    """Return a kept ruleset; one that can be read no more, by a newer Gatehouse, is left out and logged."""
    try:
        return parse_ruleset(source)
    except BadRuleset as error:
        logger.error("event=ruleset_unreadable reason=%s", str(error)[:300])
        return SpectralRuleset()


@dataclass(frozen=True, slots=True)
class HeldRule:
    """A custom rule that holds: how grave it is, and who brought it."""

    code: str
    severity: str
    title: str
    url: str
    origin: str


def custom_rules(team: Team | None) -> list[HeldRule]:
    """Return the custom rules that hold for a team, or for all, each with its origin."""
    held = ruleset_for(team)
    row = LintRuleset.objects.filter(team=team).first() if team is not None else None
    own = read_spectral(row.spectral).rules if row else {}
    return [
        HeldRule(
            code, held.severity_of(code), rule.title, rule.why if rule.why.startswith("https://") else "",
            team.name if team is not None and code in own else "The organisation",
        )
        for code, rule in held.custom.items()
    ]  # fmt: skip


def lint_revision(revision: Revision, document: dict[str, Any] | None = None) -> LintResult:
    """Return what stands against the rules in a revision's document, or in one that is being typed."""
    version = revision.version
    return lint_document(
        revision.document if document is None else document, ruleset_for(version.api.team), waivers_of(version)
    )


def waivers_of(version: ApiVersion) -> list[Waived]:
    """Return the waivers of a version that hold now."""
    rows = version.lint_waivers.filter(expires_at__gt=now()).values_list("code", "pointer")
    return [Waived(code, pointer) for code, pointer in rows]


def score_revision(revision: Revision) -> None:
    """Write a revision's score anew, and its API's where it is what the catalog shows."""
    result = lint_revision(revision) if revision.document else None
    Revision.objects.filter(pk=revision.pk).update(
        lint_score=result.score if result else None, lint_errors=result.count("error") if result else 0
    )
    revision.lint_score = result.score if result else None
    if revision.state == Revision.State.CURRENT:
        CatalogEntry.objects.filter(listed=revision.version).update(score=revision.lint_score)


def rescore(team: Team | None = None) -> int:
    """Write the scores of a team's documents anew, or of all; return how many."""
    revisions = Revision.objects.filter(state__in=SCORED).select_related("version__api__team").defer("source")
    if team is not None:
        revisions = revisions.filter(version__api__team=team)
    count = 0
    for revision in revisions.order_by("pk").iterator(chunk_size=20):
        score_revision(revision)
        count += 1
    return count


def set_ruleset(
    *, team: Team | None, severities: Mapping[str, str], actor: User, row_version: int | None = None
) -> LintRuleset:
    """Say how grave rules are for a team, or for all; documents are scored anew afterwards.

    A team's owner decides for it, a platform admin for all. Raise Stale when somebody was faster.
    """
    _require_owner(team, actor)
    known = ruleset_for(team).rules
    errors = [
        {"detail": f"There is no lint rule {code!r}.", "pointer": f"/severities/{code}"}
        for code in severities
        if code not in known
    ]
    errors += [
        {"detail": f"{severity!r} is none of error, warn, info, off.", "pointer": f"/severities/{code}"}
        for code, severity in severities.items()
        if severity not in SEVERITIES
    ]
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    return _write(team, row_version, actor, "lint.set_rules", severities=dict(severities))


def set_spectral(*, team: Team | None, source: str, actor: User, row_version: int | None = None) -> LintRuleset:
    """Activate a ruleset in Spectral's format for a team, or for all; "" takes it away. Documents are scored anew.

    Raise Invalid with line and value of all that is wrong, Stale when somebody was faster.
    """
    _require_owner(team, actor)
    check_spectral(source)
    return _write(team, row_version, actor, "lint.set_spectral", spectral=source)


def check_spectral(source: str) -> SpectralRuleset:
    """Return a ruleset as it is read; raise Invalid with line and value of all that is wrong."""
    try:
        return parse_ruleset(source)
    except BadRuleset as error:
        errors = [
            {"detail": f"Line {one.line}: {one.message}" if one.line else one.message, "pointer": "/source"}
            for one in error.findings[:MOST_ERRORS]
        ]
        raise Invalid(" ".join(one["detail"] for one in errors[:3]), errors=errors) from error


def try_spectral(*, team: Team | None, source: str, revision: Revision, actor: User) -> LintResult:
    """Return what a ruleset would find in a revision if it were active; nothing is changed."""
    _require_owner(team, actor)
    require_permission(actor=actor, team=revision.version.api.team, permission="team.view", what="see its documents")
    below = ruleset_for(None) if team is not None else Ruleset()
    row = LintRuleset.objects.filter(team=team).first()
    held = _layer(below, check_spectral(source), row.severities if row else {})
    return lint_document(revision.document, held, waivers_of(revision.version))


def _require_owner(team: Team | None, actor: User) -> None:
    if team is not None:
        require_permission(actor=actor, team=team, permission="team.manage", what="change its lint rules")
    elif not actor.is_platform_admin:
        raise NotAllowed("Only a platform admin may change the organisation's lint rules.")


def _write(team: Team | None, row_version: int | None, actor: User, verb: str, **values: Any) -> LintRuleset:
    with transaction.atomic():
        row, _ = LintRuleset.objects.select_for_update().get_or_create(team=team)
        if row_version is not None and row.row_version != row_version:
            raise Stale("Somebody changed the rules meanwhile. Read them again and repeat the change.")
        before = {name: _told(getattr(row, name)) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        row.updated_at, row.row_version = now(), row.row_version + 1
        row.save()
        after = {name: _told(value) for name, value in values.items()}
        record_audit(actor=actor, verb=verb, target=row, team=team, before=before, after=after)
        transaction.on_commit(lambda: rescore_later(team))
    return row


def _told(value: Any) -> Any:
    """Return a value as the audit log keeps it: of a ruleset its digest and its rules' names."""
    if not isinstance(value, str):
        return value
    names = sorted(read_spectral(value).rules)
    return {"sha256": hashlib.sha256(value.encode()).hexdigest() if value else "", "rules": names}


def rescore_later(team: Team | None) -> None:
    """Score the documents of a team, or of all, in the background."""
    from apis.tasks import rescore_documents

    rescore_documents.delay(team.pk if team else None)


def waive_rule(
    *, version: ApiVersion, code: str, reason: str, expires_at: datetime, actor: User, pointer: str = ""
) -> LintWaiver:
    """Let a rule's findings in a version stand, at a pointer and below, until a day; only an owner may."""
    require_permission(actor=actor, team=version.api.team, permission="apis.waive", what="waive lint rules")
    if code not in ruleset_for(version.api.team).rules:
        raise NotFound(f"There is no lint rule {code[:60]!r}.")
    errors = []
    if not reason.strip():
        errors.append({"detail": "Give the reason.", "pointer": "/reason"})
    if expires_at <= now():
        errors.append({"detail": f"{expires_at:%Y-%m-%d} lies in the past.", "pointer": "/expires_at"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    with transaction.atomic():
        waiver = LintWaiver.objects.create(
            version=version, code=code, pointer=pointer[:1000], reason=reason.strip()[:500], granted_by=actor,
            expires_at=expires_at,
        )  # fmt: skip
        _audit(waiver, "waive", actor)
        _score_all(version)
    return waiver


def end_waiver(*, waiver: LintWaiver, actor: User) -> None:
    """Take a waiver back."""
    require_permission(actor=actor, team=waiver.version.api.team, permission="apis.waive", what="end lint waivers")
    with transaction.atomic():
        _audit(waiver, "end_waiver", actor)
        waiver.delete()
        _score_all(waiver.version)


def end_expired_waivers() -> int:
    """Take away the waivers whose day has come; what they allowed counts again. Return how many ended."""
    rows = list(LintWaiver.objects.filter(expires_at__lte=now()).select_related("version__api__team"))
    for waiver in rows:
        with transaction.atomic():
            _audit(waiver, "end_waiver", None)
            waiver.delete()
            _score_all(waiver.version)
    return len(rows)


def _score_all(version: ApiVersion) -> None:
    ApiVersion.objects.filter(pk=version.pk).update(row_version=F("row_version") + 1)
    version.refresh_from_db(fields=["row_version"])
    for revision in version.revisions.filter(state__in=SCORED).select_related("version__api__team"):
        score_revision(revision)


def _audit(waiver: LintWaiver, verb: str, actor: User | None) -> None:
    values = {"code": waiver.code, "pointer": waiver.pointer, "expires_at": waiver.expires_at.isoformat()}
    record_audit(
        actor=actor, verb=f"lint.{verb}", target=waiver.version, team=waiver.version.api.team, after=values,
        reason=waiver.reason,
    )  # fmt: skip
