"""Writes the audit log, and the event that tells of the same, inside the transaction of the change."""

from __future__ import annotations

from typing import Any

from django.db import models

from common.request import current_request_id
from teams.event_types import TYPE_OF_VERB
from teams.models import AuditEvent, Team, User
from teams.services.events import write_event


def record_audit(
    *,
    actor: User | None,
    verb: str,
    target: models.Model,
    team: Team | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Write one entry. `verb` is namespaced (`api.publish`); before and after hold JSON values, never a secret."""
    if team is not None and (told := TYPE_OF_VERB.get(verb)):
        data = {"before": before or {}, "after": after or {}, "reason": reason[:1000]}
        write_event(type=told, target=target, team=team, actor=actor, data=data)
    return AuditEvent.objects.create(
        actor=actor,
        actor_name=_name_of(actor)[:254] if actor else "Gatehouse",
        verb=verb,
        object_type=target._meta.model_name or "",
        object_id=getattr(target, "public_id", str(target.pk)),
        object_name=str(target)[:254],
        team=team,
        before=before or {},
        after=after or {},
        reason=reason[:1000],
        request_id=current_request_id(),
    )


def _name_of(actor: User) -> str:
    if actor.service_team is not None:
        return f"{actor.name} (service account of {actor.service_team})"
    return f"{actor.name} <{actor.email}>"
