"""Moves planned ahead: published or retired at a moment to come, in the name of who planned it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from apis.models import ApiVersion, PlannedMove
from apis.services.announcements import workspace_path
from apis.services.moves import require_move
from apis.services.publishing import publish_version, require_publishable
from apis.services.retirement import require_retirable, retire_version
from common.clock import now
from common.errors import Conflict, DomainError, Invalid
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify

logger = logging.getLogger("gatehouse.apis.planned_moves")
SERVICES: dict[str, Callable[..., ApiVersion]] = {"publish": publish_version, "retire": retire_version}


def plan_move(*, version: ApiVersion, name: str, at: datetime, actor: User, **values: Any) -> PlannedMove:
    """Plan a publication or a retirement; it must be possible now, and is judged again at its moment.

    `values` are those of the move's service. Raise as the service does, Invalid for a moment that has passed.
    """
    if at.tzinfo is None or at <= now():
        detail = f"{at:%Y-%m-%d %H:%M} lies in the past, or has no time zone."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/at"}])
    if name == "publish":
        require_publishable(version=version, actor=actor)
    else:
        require_move(version=version, name="retire", actor=actor)
        require_retirable(version=version, at=at, **values)
    try:
        with transaction.atomic():
            planned = PlannedMove.objects.create(version=version, name=name, at=at, values=values, planned_by=actor)
            _audit(planned, "plan", actor)
    except IntegrityError as error:
        raise Conflict(f"{version} has a planned {name} already. Cancel it first.", code="conflict") from error
    return planned


def cancel_planned_move(*, planned: PlannedMove, actor: User) -> PlannedMove:
    """Cancel a planned move before its moment."""
    require_permission(
        actor=actor, team=planned.version.api.team, permission="apis.publish", what="cancel planned moves"
    )
    with transaction.atomic():
        if not _close(planned, PlannedMove.State.CANCELLED):
            raise Conflict("It is no longer planned: it was made, or cancelled.", code="move-not-possible")
        _audit(planned, "cancel", actor)
    return planned


def make_due_moves() -> int:
    """Make the planned moves whose moment has come; return how many were made. One that fails stops no other."""
    due = PlannedMove.objects.filter(state=PlannedMove.State.PLANNED, at__lte=now())
    return sum(_make(planned) for planned in due.select_related("version__api__team", "planned_by").order_by("at"))


def _make(planned: PlannedMove) -> bool:
    try:
        with transaction.atomic():
            # Closed with the move in one transaction: of two workers one makes it, and a crash leaves it planned.
            if not _close(planned, PlannedMove.State.DONE):
                return False
            SERVICES[planned.name](version=planned.version, actor=planned.planned_by, **planned.values)
    except DomainError as error:
        _give_up(planned, error.detail)
        return False
    except Exception:
        logger.exception("a planned move failed planned=%s", planned.public_id)
        _give_up(planned, "It stopped with an error on our side.")
        return False
    return True


def _give_up(planned: PlannedMove, reason: str) -> None:
    with transaction.atomic():
        if not _close(planned, PlannedMove.State.FAILED, reason[:500]):
            return
        notify(
            people=[planned.planned_by],
            title=f"The planned move of {planned.version} was not made",
            text=f"{planned.get_name_display()} at {planned.at:%-d %B %Y %H:%M} UTC: {reason}",
            url=workspace_path(planned.version),
            icon="alert-triangle",
        )


def _close(planned: PlannedMove, state: str, outcome: str = "") -> bool:
    rows = PlannedMove.objects.filter(pk=planned.pk, state=PlannedMove.State.PLANNED)
    changed = rows.update(state=state, outcome=outcome, row_version=F("row_version") + 1)
    planned.refresh_from_db(fields=["state", "outcome", "row_version"])
    return bool(changed)


def _audit(planned: PlannedMove, verb: str, actor: User) -> None:
    record_audit(
        actor=actor,
        verb=f"version.{verb}_{planned.name}",
        target=planned.version,
        team=planned.version.api.team,
        after={"at": planned.at.isoformat()},
    )
