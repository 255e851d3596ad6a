"""Trials of an approved revision beside the current one, and their end when it fails too often."""

from __future__ import annotations

from collections.abc import Collection

from django.db import IntegrityError, transaction

from apis.models import ApiVersion, Canary, Revision
from apis.selectors.gate import gate_of
from apis.services.announcements import workspace_path
from apis.services.moves import lock_version
from apis.services.releases import approve_alone, require_passed, require_release_path
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict, Invalid
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify


def start_canary(
    *,
    revision: Revision,
    actor: User,
    percent: float = 0,
    header: str = "",
    header_value: str = "",
    max_error_percent: float = 10,
    accepted: Collection[str] = (),
) -> Canary:
    """Send a share of the calls, or those with a header, to an approved revision of a served version.

    What a release asks for is asked for here: approvals, no breaking change, risky ones ticked in `accepted`.
    """
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="start trials")
    _require_served(version)
    path = require_release_path(revision, actor)
    _check(percent, header, max_error_percent)
    require_passed(gate_of(revision), accepted)
    try:
        with transaction.atomic():
            _require_served(lock_version(version))
            approve_alone(revision, path, actor)
            canary = Canary.objects.create(
                version=version, revision=revision, percent=percent, header=header.strip(),
                header_value=header_value.strip(), max_error_percent=max_error_percent, started_by=actor,
            )  # fmt: skip
            _tell(canary, "start", actor)
    except IntegrityError as error:
        raise Conflict(f"A trial of {version} runs already. End it first.", code="conflict") from error
    return canary


def change_canary(*, canary: Canary, percent: float, actor: User) -> Canary:
    """Change the share of a trial that runs."""
    require_permission(actor=actor, team=canary.version.api.team, permission="apis.publish", what="change trials")
    _check(percent, canary.header, canary.max_error_percent)
    with transaction.atomic():
        lock_version(canary.version)
        if not Canary.objects.filter(pk=canary.pk, state=Canary.State.RUNNING).update(percent=percent):
            raise Conflict("The trial is over.", code="move-not-possible")
        canary.refresh_from_db()
        _tell(canary, "change", actor)
    return canary


def end_canary(*, canary: Canary, actor: User) -> Canary:
    """End a trial: all calls go to the current revision again."""
    require_permission(actor=actor, team=canary.version.api.team, permission="apis.publish", what="end trials")
    with transaction.atomic():
        lock_version(canary.version)
        if not _close(canary, Canary.State.ENDED, ""):
            raise Conflict("The trial is over.", code="move-not-possible")
        _tell(canary, "end", actor)
    return canary


def fall_back(*, canary: Canary, outcome: str) -> bool:
    """End a trial that failed too often, everywhere, and tell who started it; say whether it still ran."""
    with transaction.atomic():
        lock_version(canary.version)
        if not _close(canary, Canary.State.FELL_BACK, outcome):
            return False
        _tell(canary, "fall_back", None)
        notify(
            people=[canary.started_by],
            title=f"The trial of revision {canary.revision.number} of {canary.version} fell back",
            text=f"{outcome} All calls go to the current revision again.",
            url=f"{workspace_path(canary.version)}/revisions",
            icon="alert-triangle",
        )
    return True


def _require_served(version: ApiVersion) -> None:
    if version.state not in ("published", "deprecated"):
        raise Conflict(f"{version} is not served: there is nothing to try it beside.", code="move-not-possible")


def _check(percent: float, header: str, max_error_percent: float) -> None:
    errors = []
    if not 0 <= percent <= 100:
        errors.append({"detail": f"{percent:g} is no share: choose between 0 and 100.", "pointer": "/percent"})
    if not percent and not header.strip():
        errors.append({"detail": "Give a share of the calls, or a header that chooses them.", "pointer": "/percent"})
    if not 0 < max_error_percent <= 100:
        detail = f"{max_error_percent:g} is no share of failures: choose up to 100."
        errors.append({"detail": detail, "pointer": "/max_error_percent"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)


def _close(canary: Canary, state: str, outcome: str) -> bool:
    rows = Canary.objects.filter(pk=canary.pk, state=Canary.State.RUNNING)
    changed = rows.update(state=state, ended_at=now(), outcome=outcome[:300])
    canary.refresh_from_db()
    return bool(changed)


def _tell(canary: Canary, verb: str, actor: User | None) -> None:
    version = canary.version
    record_audit(
        actor=actor, verb=f"canary.{verb}", target=canary.revision, team=version.api.team,
        after={"percent": canary.percent, "header": canary.header, "state": canary.state, "outcome": canary.outcome},
    )  # fmt: skip
    version_changed.send(sender=ApiVersion, version=version)
