"""Releases: through the diff gate a revision becomes what production serves; the way back, and to the next version."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from apis.diff import Finding, verdict
from apis.guards import failing_guards
from apis.lifecycle import ROUTED, VERSION_STATES, Move, path_guards, release_path
from apis.models import Api, ApiVersion, Canary, Deployment, Environment, Release, Revision, Waiver
from apis.selectors.gate import Change, Gate, changes_between, gate_of
from apis.selectors.versions import current_revision
from apis.services.catalog import refresh_entry
from apis.services.moves import lock_version, move_revision
from apis.services.revisions import discard_draft
from apis.services.versions import create_version
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

PRODUCTION = "production"
# A changelog holds the gravest of more findings than these.
MAX_CHANGES = 500


def release_revision(*, revision: Revision, actor: User, accepted: Collection[str] = (), note: str = "") -> Release:
    """Make a revision of a served version current; where no approval is asked for, from the draft on.

    `accepted` holds the keys of the risky changes that were ticked. Raise Conflict `breaking-change` when callers would
    break and no waiver allows it, `risky-change` while a risky one is not ticked.
    """
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="release a revision")
    _require_served(version)
    path = require_release_path(revision, actor)
    gate = gate_of(revision)
    if version.state != ApiVersion.State.PREVIEW:
        require_passed(gate, accepted)
    with transaction.atomic():
        version = _lock_served(revision)
        # Two releases at once: the second finds another revision current than it was judged against.
        current = current_revision(version)
        if current is None or gate.against is None or current.pk != gate.against.pk:
            raise Conflict(
                f"Somebody released another revision of {version} meanwhile. Compare again.", code="move-lost"
            )
        approve_alone(revision, path, actor)
        release = deploy(
            revision=revision, actor=actor, kind=Release.Kind.RELEASE, note=note,
            findings=[change.finding for change in gate.changes], accepted=accepted,
        )  # fmt: skip
        version_changed.send(sender=ApiVersion, version=version)
    return release


def require_release_path(revision: Revision, actor: User) -> tuple[Move, ...]:
    """Return the moves that make a revision current; raise Conflict with what stands against it."""
    version = revision.version
    path = release_path(revision.state, version.api.team.required_approvals)
    if not path:
        raise _needs_approval(revision)
    reasons = failing_guards(path_guards(path), version, actor)
    if reasons:
        raise Conflict(" ".join(reasons), code="guard-failed", reasons=reasons, state=revision.state)
    return path


def approve_alone(revision: Revision, path: tuple[Move, ...], actor: User) -> None:
    """Make the moves before the last of a release's path: where a team asks for no approval, one person makes all."""
    for move in path[:-1]:
        changes = {"submitted_at": now()} if move.name == "submit" else {}
        move_revision(revision=revision, name=move.name, actor=actor, **changes)


def roll_back(*, revision: Revision, actor: User, reason: str = "") -> Release:
    """Make an earlier revision current again, whatever the gate thinks of it: it was served before."""
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="roll back")
    _require_served(version)
    if not revision.releases.exists():
        raise Conflict(f"Revision {revision.number} was never served: release it.", code="guard-failed")
    with transaction.atomic():
        version = _lock_served(revision)
        current = current_revision(version)
        findings = changes_between(current, revision) if current else []
        release = deploy(
            revision=revision,
            actor=actor,
            kind=Release.Kind.ROLL_BACK,
            note=reason,
            findings=findings,
            move="roll_back",
        )
        version_changed.send(sender=ApiVersion, version=version)
    return release


def _require_served(version: ApiVersion) -> None:
    if version.state not in ROUTED:
        state = VERSION_STATES[version.state].label.lower()
        raise Conflict(f"{version} is {state}: it serves no revision.", code="move-not-possible", state=version.state)


def _lock_served(revision: Revision) -> ApiVersion:
    """Lock a revision's version; raise Conflict when it was retired meanwhile."""
    revision.version = lock_version(revision.version)
    _require_served(revision.version)
    return revision.version


def deploy(
    *,
    revision: Revision,
    actor: User,
    kind: str,
    findings: list[Finding],
    accepted: Collection[str] = (),
    note: str = "",
    move: str = "deploy",
) -> Release:
    """Swap production's pointer to a revision and write the release; part of the caller's transaction."""
    version = revision.version
    previous = current_revision(version)
    if previous is not None:
        move_revision(revision=previous, name="supersede", actor=actor)
    move_revision(revision=revision, name=move, actor=actor)
    environment = production()
    Deployment.objects.update_or_create(
        version=version,
        environment=environment,
        defaults={"revision": revision, "deployed_at": now(), "deployed_by": actor},
    )
    Api.objects.filter(pk=version.api_id, is_base_path_fixed=False).update(is_base_path_fixed=True)
    version.api.is_base_path_fixed = True
    refresh_entry(version.api)
    # Whatever becomes current, the trial beside it is over.
    running = Canary.objects.filter(version=version, state=Canary.State.RUNNING)
    running.filter(revision=revision).update(state=Canary.State.PROMOTED, ended_at=now())
    running.exclude(revision=revision).update(
        state=Canary.State.ENDED, ended_at=now(), outcome="Another became current."
    )
    return Release.objects.create(
        version=version,
        environment=environment,
        revision=revision,
        previous=previous,
        kind=kind,
        level=verdict(findings),
        changes=[change_json(finding) for finding in findings[:MAX_CHANGES]],
        accepted=sorted(accepted),
        note=note.strip()[:500],
        actor=actor,
    )


def move_to_next_version(*, revision: Revision, actor: User) -> ApiVersion:
    """Take a draft that would break callers out of its version: the next version starts with it."""
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.design", what="make a version")
    if revision.state != Revision.State.DRAFT or version.state not in ROUTED:
        raise Conflict(f"Revision {revision.number} is no draft of a served version.", code="move-not-possible")
    with transaction.atomic():
        lock_version(version)
        following = create_version(api=version.api, actor=actor, copy_from=version)
        discard_draft(revision=revision, actor=actor)
    return following


def waive_change(*, revision: Revision, key: str, reason: str, expires_at: datetime, actor: User) -> Waiver:
    """Allow one breaking change inside a version; an owner's decision, never of whoever wrote the revision."""
    version = revision.version
    team = version.api.team
    require_permission(actor=actor, team=team, permission="apis.waive", what="waive a breaking change")
    change = next((change for change in gate_of(revision).of("breaking") if change.key == key), None)
    if change is None:
        raise NotFound(f"{key[:40]!r} names no breaking change of revision {revision.number}.")
    errors = []
    if not reason.strip():
        errors.append({"detail": "Give the reason for breaking callers.", "pointer": "/reason"})
    if expires_at <= now():
        errors.append({"detail": f"{expires_at:%Y-%m-%d} lies in the past: the waiver would allow nothing.",
                       "pointer": "/expires_at"})  # fmt: skip
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    if team.required_approvals and (reasons := failing_guards(("not_author",), version, actor)):
        raise Conflict(" ".join(reasons), code="guard-failed", reasons=reasons)
    with transaction.atomic():
        waiver = Waiver.objects.create(
            version=version, key=key, text=change.finding.text[:500], reason=reason.strip()[:500], granted_by=actor,
            expires_at=expires_at,
        )  # fmt: skip
        record_audit(
            actor=actor, verb="version.waive", target=version, team=team, reason=reason,
            after={"change": change.finding.text, "revision": revision.number, "expires_at": expires_at.isoformat()},
        )  # fmt: skip
    return waiver


def production() -> Environment:
    """Return the environment that callers reach."""
    environment, _ = Environment.objects.get_or_create(slug=PRODUCTION, defaults={"name": "Production"})
    return environment


def change_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as releases and answers hold it."""
    return {**asdict(finding), "key": finding.key}


def require_passed(gate: Gate, accepted: Collection[str]) -> None:
    """Raise Conflict with what breaks callers, or is risky and not ticked."""
    if gate.blocking:
        detail = (
            f"{_count(gate.blocking)} would break callers of {gate.revision.version}: {_first(gate.blocking)} "
            "Publish it as the next version, or take the change back."
        )
        raise Conflict(detail, code="breaking-change", changes=[change_json(c.finding) for c in gate.blocking])
    open_changes = gate.unticked(accepted)
    if open_changes:
        detail = f"{_count(open_changes)} may break callers and is not ticked: {_first(open_changes)}"
        raise Conflict(detail, code="risky-change", changes=[change_json(c.finding) for c in open_changes])


def _count(changes: list[Change]) -> str:
    return "1 change" if len(changes) == 1 else f"{len(changes)} changes"


def _first(changes: list[Change]) -> str:
    finding = changes[0].finding
    return f"{finding.method} {finding.path}: {finding.text}".lstrip(" :")


def _needs_approval(revision: Revision) -> Conflict:
    version = revision.version
    if revision.state in {"draft", "in_review"}:
        needed = version.api.team.required_approvals
        persons = "one other person" if needed == 1 else f"{needed} other persons"
        state = revision.get_state_display().lower()
        detail = f"Revision {revision.number} is {state}: {persons} of {version.api.team.name} must approve it first."
    else:
        detail = f"Revision {revision.number} is {revision.get_state_display().lower()} and cannot become current."
    return Conflict(detail, code="move-not-possible", state=revision.state)
