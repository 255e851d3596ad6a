"""Background work of usage. Each task is safe to run twice, also at once."""

from __future__ import annotations

import logging
import time

from celery import shared_task

from usage import rollups
from usage.reports import cost

logger = logging.getLogger("gatehouse.usage")
# A backlog is worked off in steps of one transaction each, for at most this long per run.
BUDGET_SECONDS = 60.0


@shared_task(name="usage.tasks.roll_up_dirty_minutes", time_limit=300)
def roll_up_dirty_minutes() -> int:
    """Recompute the minutes shippers have marked; return how many."""
    started = time.monotonic()
    total = 0
    while done := rollups.roll_up():
        total += done
        if time.monotonic() - started > BUDGET_SECONDS:
            logger.warning("event=rollup_backlog minutes=%d", total)
            break
    return total


@shared_task(name="usage.tasks.write_cost_reports", time_limit=300)
def write_cost_reports() -> int:
    """Bring the cost reports of this month up to date; return how many were written."""
    return cost.write_reports()


@shared_task(name="usage.tasks.drop_old_partitions", time_limit=300)
def drop_old_partitions() -> int:
    """Drop the days beyond the retention, and end calls nobody will end any more; return how many days went."""
    if stale := rollups.close_stale():
        logger.warning("event=stale_calls_closed calls=%d", stale)
    dropped = rollups.drop_old()
    if dropped:
        logger.info("event=partitions_dropped days=%d", dropped)
    return dropped


@shared_task(name="usage.tasks.recount_version_uses", time_limit=300)
def recount_version_uses() -> int:
    """Count who calls what in the last 30 days anew, so that old days leave the sums; return how many pairs."""
    return rollups.recount_version_uses()
