"""Who calls which version: the calls of each pair in the last 30 days, kept in step with the rollups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.backends.utils import CursorWrapper

from common.clock import now

DAYS = 30
# Days know public ids; what is not known here (any more) is left out.
STORE = """
INSERT INTO usage_versionuse AS known (version_id, application_id, calls, last_at)
SELECT version.id, application.id, sum(day.calls), max(day.last_at)
FROM {source} AS day
JOIN apis_apiversion AS version ON version.public_id = day.version_id
JOIN teams_application AS application ON application.public_id = day.application_id
WHERE day.start_at >= %s
GROUP BY version.id, application.id
ON CONFLICT (version_id, application_id) DO UPDATE SET calls = EXCLUDED.calls, last_at = EXCLUDED.last_at
"""
CALLED = """(
    SELECT usage_usageday.* FROM (
        SELECT DISTINCT version_id, application_id FROM usage_usageminute
        WHERE start_at = ANY(%s) AND application_id <> ''
    ) AS pair JOIN usage_usageday USING (version_id, application_id)
)"""


def recount_called(cursor: CursorWrapper, minutes: list[datetime]) -> None:
    """Count the pairs that called in some minutes anew; the days are up to date by then."""
    cursor.execute(STORE.format(source=CALLED), [minutes, _border()])


def recount_all(cursor: CursorWrapper) -> int:
    """Count every pair anew; return how many there are."""
    cursor.execute("DELETE FROM usage_versionuse")
    cursor.execute(STORE.format(source="usage_usageday"), [_border()])
    return int(cursor.rowcount)


def _border() -> datetime:
    since = (now() - timedelta(days=DAYS)).astimezone(UTC)
    return since.replace(hour=0, minute=0, second=0, microsecond=0)
