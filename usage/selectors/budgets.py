"""What was spent of a plan's budgets, from the ledger: calls under way count at their worst case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

# Whom a limit may belong to → the ledger's column.
OWNERS = {
    "subscription": "subscription_id",
    "key": "credential_id",
    "application": "application_id",
    "team": "team_id",
    "api": "api_id",
    "upstream": "version_id",
}
# An interrupted call is billed as reserved, and one under way may still cost as much.
SPENT = f"""
SELECT {", ".join(OWNERS.values())},
    sum(CASE state WHEN 'finished' THEN input_tokens + output_tokens ELSE reserved_tokens END)::bigint,
    (sum(CASE state WHEN 'finished' THEN cost_usd ELSE reserved_usd END) * 1000000000)::bigint
FROM usage_event WHERE plan_id = %s AND at >= to_timestamp(%s) AND kind <> 'rest'
GROUP BY {", ".join(OWNERS.values())}
"""  # noqa: S608  the columns stand above


@dataclass(frozen=True, slots=True)
class Spent:
    """What one caller spent. `owners` are its public ids by the names in OWNERS; `by_unit` has tokens and nano_usd."""

    owners: Mapping[str, str]
    by_unit: Mapping[str, int]


def spent_since(plan_id: str, since: float) -> list[Spent]:
    """Return what callers of a plan have spent since a moment in epoch seconds."""
    with connection.cursor() as cursor:
        cursor.execute(SPENT, [plan_id, since])
        rows = cursor.fetchall()
    return [
        Spent(dict(zip(OWNERS, row[:-2], strict=True)), {"tokens": row[-2] or 0, "nano_usd": row[-1] or 0})
        for row in rows
    ]
