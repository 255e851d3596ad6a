"""Background work of the changelog. Safe to run twice, also at once."""

from __future__ import annotations

import logging

from celery import shared_task

from gateway.control import compaction

logger = logging.getLogger("gatehouse.changelog")


@shared_task(name="gateway.control.tasks.compact_changelog", time_limit=600)
def compact_changelog() -> int:
    """Delete the changes that newer ones have replaced, and old deletions; return how many."""
    if deleted := compaction.compact_changelog():
        logger.info("event=changelog_compacted rows=%d", deleted)
    return deleted
