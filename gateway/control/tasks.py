"""Background work of the changelog. Safe to run twice, also at once."""

from __future__ import annotations

import logging

from celery import shared_task

from gateway.control import budgets, canaries, compaction

logger = logging.getLogger("gatehouse.changelog")


@shared_task(name="gateway.control.tasks.compact_changelog", time_limit=600)
def compact_changelog() -> int:
    """Delete the changes that newer ones have replaced, and old deletions; return how many."""
    if deleted := compaction.compact_changelog():
        logger.info("event=changelog_compacted rows=%d", deleted)
    return deleted


@shared_task(name="gateway.control.tasks.settle_canaries", time_limit=60)
def settle_canaries() -> int:
    """End the trials that some worker has given up; return how many."""
    return canaries.settle_canaries()


@shared_task(name="gateway.control.tasks.keep_budgets_open", time_limit=300)
def keep_budgets_open() -> list[str]:
    """Count budgets anew where the store of limits has lost them; return the nodes that are waited for."""
    return budgets.keep_budgets_open()
