"""Keeps the changelog short: the newest row of each key, and for a month that a key is gone."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from common.clock import now

TOMBSTONE_DAYS = 30
# What was written within the last minutes is left alone: a node that reads it now shall find whole generations.
YOUNG = timedelta(minutes=10)
SUPERSEDED = """
DELETE FROM gateway_change AS old USING (
    SELECT id FROM (
        SELECT id, at, row_number() OVER (PARTITION BY kind, key ORDER BY generation DESC, id DESC) AS place
        FROM gateway_change WHERE generation IS NOT NULL
    ) AS ranked WHERE place > 1 AND at < %s LIMIT %s
) AS gone WHERE old.id = gone.id
"""
TOMBSTONES = """
WITH gone AS (
    DELETE FROM gateway_change AS old
    WHERE payload IS NULL AND generation IS NOT NULL AND at < %s AND NOT EXISTS (
        SELECT 1 FROM gateway_change AS newer
        WHERE newer.kind = old.kind AND newer.key = old.key AND newer.id <> old.id
    ) RETURNING generation
)
UPDATE gateway_counter SET horizon = greatest(horizon, (SELECT max(generation) FROM gone))
WHERE EXISTS (SELECT 1 FROM gone)
"""
ROWS_PER_STEP = 50_000


def compact_changelog() -> int:
    """Delete what no reader needs; return how many rows went.

    A row that a newer one of its key replaces is needed by nobody: who reads on gets the newer one. A deletion is
    needed by readers below it, so the horizon moves with it, and a node below the horizon loads everything anew.
    """
    moment, deleted = now(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SUPERSEDED, [moment - YOUNG, ROWS_PER_STEP])
            deleted += cursor.rowcount
            if cursor.rowcount == ROWS_PER_STEP:
                continue
            before = _count(cursor)
            cursor.execute(TOMBSTONES, [moment - timedelta(days=TOMBSTONE_DAYS)])
            return deleted + before - _count(cursor)


def _count(cursor: object) -> int:
    cursor.execute("SELECT count(*) FROM gateway_change WHERE payload IS NULL")  # type: ignore[attr-defined]
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]


def new_epoch() -> str:
    """Begin another history of the changelog: every node loads everything anew. Return the epoch.

    Needed after a restore, or a failover that lost commits: generations that nodes have seen will be given again.
    """
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gateway_counter SET epoch = gen_random_uuid() RETURNING epoch::text")
        epoch = str(cursor.fetchone()[0])
        cursor.execute("SELECT pg_notify('gatehouse_changes', '')")
    return epoch
