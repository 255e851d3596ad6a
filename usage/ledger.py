"""Reads of the ledger's plain tables: one call by its id, counts of refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from usage.models import UsageEvent


def attempts_of(call_id: UUID) -> list[UsageEvent]:
    """Return the attempts of a call, in order.

    A uuid7 holds the time it was made in (RFC 9562 §5.7), so that two or three days' partitions are looked at, not all.
    """
    minted_at = datetime.fromtimestamp((call_id.int >> 80) / 1000, UTC)
    return list(
        UsageEvent.objects.filter(
            id=call_id, at__gte=minted_at - timedelta(hours=1), at__lt=minted_at + timedelta(days=1)
        ).order_by("attempt")
    )


def refused_count(version_id: str, since: datetime, until: datetime) -> int:
    """Return how many calls of a version were refused before a key was known."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(count), 0) FROM usage_refused_minute"
            " WHERE version_id = %s AND minute >= %s AND minute < %s",
            [version_id, since, until],
        )
        return int(cursor.fetchone()[0])
