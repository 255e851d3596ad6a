"""Writes events into the transaction of what they tell of, and gives them their places in the feed afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Max

from common.clock import now
from teams.models import Event, Team, User

KEPT = timedelta(days=30)
# One number for this lock among PostgreSQL's advisory locks.
NUMBERING = 7_301


def write_event(
    *, type: str, target: models.Model, team: Team, actor: User | None = None, data: dict[str, Any] | None = None
) -> Event:
    """Write one event into a team's feed; `data` holds JSON values, never a secret."""
    return write_events(type=type, target=target, teams=[team], actor=actor, data=data)[0]


def write_events(
    *,
    type: str,
    target: models.Model,
    teams: Iterable[Team],
    actor: User | None = None,
    data: dict[str, Any] | None = None,
) -> list[Event]:
    """Write one event into the feeds of several teams."""
    events = [
        Event(
            team=team,
            type=type,
            subject_type=target._meta.model_name or "",
            subject_id=getattr(target, "public_id", str(target.pk)),
            subject_name=str(target)[:254],
            actor_id=actor.public_id if actor else "",
            data=data or {},
        )
        for team in teams
    ]
    return Event.objects.bulk_create(events)


def number_events() -> None:
    """Give committed events their places in the feed, one caller at a time."""
    if not Event.objects.filter(number=None).exists():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
        cursor.execute(
            "UPDATE teams_event SET number = due.number FROM ("
            "  SELECT id, row_number() OVER (ORDER BY id)"
            "    + (SELECT coalesce(max(number), 0) FROM teams_event) AS number"
            "  FROM teams_event WHERE number IS NULL"
            ") AS due WHERE teams_event.id = due.id"
        )


def drop_old_events() -> int:
    """Delete events older than 30 days, but the newest: the next number goes on from it. Return how many went."""
    newest = Event.objects.aggregate(newest=Max("number"))["newest"]
    old = Event.objects.filter(at__lt=now() - KEPT, number__lt=newest or 0)
    return old.delete()[0]
