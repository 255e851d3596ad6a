"""Counts the ledger into minutes, and minutes into hours and days.

A dirty minute is recomputed whole, so late, repeated and overtaking events come out right. One runner at a time: two
that read the ledger at different moments could otherwise store the older result last.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from common.clock import now
from usage import version_uses
from usage.models import Progress, UsageDay, UsageHour, UsageMinute
from usage.retention import EVENT_DAYS, HOUR_DAYS, STALE_HOURS

MINUTES_PER_STEP = 200
LOCK = "usage_roll_up"
DIMENSIONS = (
    "version_id, api_id, operation_id, application_id, subscription_id, team_id, owner_team_id, model, is_try_it"
)
SUMS = (
    "calls",
    "caller_errors",
    "policy_errors",
    "upstream_errors",
    "gateway_errors",
    "answers_2xx",
    "answers_3xx",
    "answers_4xx",
    "answers_5xx",
    "interrupted",
    "clients_gone",
    "unpriced",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "request_bytes",
    "response_bytes",
    "cost_usd",
)
COLUMNS = f"start_at, {DIMENSIONS}, {', '.join(SUMS)}, last_at, latency"

# An attempt that was made again is not a call, though what it used counts. A 5xx that nobody was blamed for came from
# the upstream. Latency is that of calls an upstream answered: a refusal takes no time and would flatter percentiles.
COUNT_MINUTES = f"""
INSERT INTO usage_usageminute ({COLUMNS})
SELECT minute, {DIMENSIONS}, count(*) FILTER (WHERE code <> 'retried'),
    count(*) FILTER (WHERE fault = 'caller'),
    count(*) FILTER (WHERE fault = 'policy'),
    count(*) FILTER (WHERE code <> 'retried' AND (fault = 'upstream' OR (fault = '' AND status >= 500))),
    count(*) FILTER (WHERE fault = 'gateway'),
    count(*) FILTER (WHERE status BETWEEN 200 AND 299),
    count(*) FILTER (WHERE status BETWEEN 300 AND 399),
    count(*) FILTER (WHERE code <> 'retried' AND status BETWEEN 400 AND 499),
    count(*) FILTER (WHERE code <> 'retried' AND status BETWEEN 500 AND 599),
    count(*) FILTER (WHERE state = 'interrupted'),
    count(*) FILTER (WHERE is_client_gone),
    count(*) FILTER (WHERE price_state = 'unknown'),
    sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(request_bytes), sum(response_bytes), sum(cost_usd),
    max(at),
    usage_histogram(COALESCE(
        array_agg(usage_latency_bucket(total_ms))
            FILTER (WHERE state = 'finished' AND attempt > 0 AND code <> 'retried'), '{{}}'))
FROM unnest(%s::timestamptz[]) AS minute
JOIN usage_event ON at >= minute AND at < minute + interval '1 minute' AND state <> 'open'
GROUP BY minute, {DIMENSIONS}
"""  # noqa: S608  built from constants of this module
SUM_UP = f"""
INSERT INTO {{target}} ({COLUMNS})
SELECT span, {DIMENSIONS}, {", ".join(f"sum({name})" for name in SUMS)}, max(last_at), usage_histogram_sum(latency)
FROM unnest(%s::timestamptz[]) AS span
JOIN {{source}} ON start_at >= span AND start_at < span + interval '1 {{unit}}'
GROUP BY span, {DIMENSIONS}
"""  # noqa: S608  built from constants of this module
NOTE_KEYS = """
INSERT INTO usage_credentialuse AS known (credential_id, last_used_at)
SELECT credential_id, max(at)
FROM unnest(%s::timestamptz[]) AS minute
JOIN usage_event ON at >= minute AND at < minute + interval '1 minute' AND credential_id <> ''
GROUP BY credential_id ORDER BY credential_id
ON CONFLICT (credential_id) DO UPDATE SET last_used_at = greatest(known.last_used_at, EXCLUDED.last_used_at)
"""


def roll_up(*, limit: int = MINUTES_PER_STEP) -> int | None:
    """Recompute up to `limit` dirty minutes, oldest first; return how many, None while another runner is at it.

    The marks go in the same transaction, each by its own number: one set meanwhile stays for the next run.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if not _is_only_runner(cursor):
            return None
        started_at = now()
        minutes = _take_marks(cursor, limit)
        if minutes:
            _recount(cursor, minutes)
        _note_progress(cursor, started_at)
    return len(minutes)


def _is_only_runner(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [LOCK])
    return bool(cursor.fetchone()[0])


def _take_marks(cursor: CursorWrapper, limit: int) -> list[datetime]:
    cursor.execute(
        """WITH oldest AS (SELECT DISTINCT minute FROM usage_dirty ORDER BY minute LIMIT %s),
                taken AS (DELETE FROM usage_dirty WHERE minute IN (SELECT minute FROM oldest) RETURNING minute)
           SELECT DISTINCT minute FROM taken ORDER BY minute""",
        [limit],
    )
    return [row[0] for row in cursor.fetchall()]


def _recount(cursor: CursorWrapper, minutes: list[datetime]) -> None:
    hours = sorted({minute.replace(minute=0) for minute in minutes})
    days = sorted({hour.replace(hour=0) for hour in hours})
    UsageMinute.objects.filter(start_at__in=minutes).delete()
    cursor.execute(COUNT_MINUTES, [minutes])
    UsageHour.objects.filter(start_at__in=hours).delete()
    cursor.execute(SUM_UP.format(target="usage_usagehour", source="usage_usageminute", unit="hour"), [hours])
    UsageDay.objects.filter(start_at__in=days).delete()
    cursor.execute(SUM_UP.format(target="usage_usageday", source="usage_usagehour", unit="day"), [days])
    cursor.execute(NOTE_KEYS, [minutes])
    version_uses.recount_called(cursor, minutes)


def _note_progress(cursor: CursorWrapper, started_at: datetime) -> None:
    """Say up to when the rollups are complete: the start of this run, or the oldest minute still marked."""
    cursor.execute("SELECT min(minute) FROM usage_dirty")
    oldest = cursor.fetchone()[0]
    as_of = min(started_at, oldest) if oldest else started_at
    Progress.objects.update_or_create(pk=1, defaults={"as_of": as_of, "ran_at": started_at})


def recount_version_uses() -> int:
    """Count who calls what in the last 30 days anew, once nobody else counts; return how many pairs."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        return version_uses.recount_all(cursor)


def close_stale() -> int:
    """End calls whose end was never told, billed as reserved; return how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT usage_close_stale(%s)", [now() - timedelta(hours=STALE_HOURS)])
        return int(cursor.fetchone()[0])


def drop_old() -> int:
    """Drop what is older than the retention; return how many day partitions of the ledger went.

    Hours and days outlive their minutes; a day is dropped whole, so no later recount sees half of one.
    """
    border = (now() - timedelta(days=EVENT_DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        # Dropping locks the whole ledger for a moment: behind a long reader it gives up and comes back in an hour.
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SELECT usage_drop_partitions(%s)", [border])
        dropped = int(cursor.fetchone()[0])
        UsageMinute.objects.filter(start_at__lt=border).delete()
        UsageHour.objects.filter(start_at__lt=now() - timedelta(days=HOUR_DAYS)).delete()
        cursor.execute("DELETE FROM usage_refused_minute WHERE minute < %s", [border])
        cursor.execute("DELETE FROM usage_quarantine WHERE quarantined_at < %s", [border])
    return dropped
