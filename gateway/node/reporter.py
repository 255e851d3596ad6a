"""Tells the control plane which generation each worker runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from gateway.node.links import WorkerLink

log = logging.getLogger("gatehouse.node.reporter")

REPORT = """
    INSERT INTO gateway_worker
        (node, worker, pid, epoch, generation, is_stale, rejected, spool_bytes, decoded, started_at, stats, reported_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())
    ON CONFLICT (node, worker) DO UPDATE SET
        pid = excluded.pid, epoch = excluded.epoch, generation = excluded.generation, is_stale = excluded.is_stale,
        rejected = excluded.rejected, spool_bytes = excluded.spool_bytes, decoded = excluded.decoded,
        started_at = excluded.started_at, stats = excluded.stats, reported_at = excluded.reported_at
"""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What is the same for all workers of a node."""

    node: str
    epoch: str
    is_stale: bool
    spool_bytes: int
    spool_age_seconds: float


class Reporter:
    """Writes one row per worker, over a connection of its own."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: AsyncConnection[Any] | None = None
        self._skew = 0.0

    async def report(self, report: NodeReport, links: Sequence[WorkerLink]) -> float:
        """Write the rows; a database that is away is tried again next time. Return our clock against the database's."""
        try:
            connection = await self._connect()
            async with connection.transaction(), connection.cursor() as cursor:
                skew = self._skew = await _skew_of(connection)
                rows = [_row(report, link, skew) for link in links if link.is_running]
                await cursor.execute(
                    "DELETE FROM gateway_worker WHERE node = %s AND worker <> ALL(%s)",
                    [report.node, [link.name for link in links if link.is_running]],
                )
                await cursor.executemany(REPORT, rows)
        except (psycopg.Error, OSError) as error:
            log.debug("event=report_failed reason=%r", str(error).strip())
            await self.close()
        return self._skew

    async def forget(self, node: str) -> None:
        """Take the node's rows away: it stops."""
        try:
            async with asyncio.timeout(1):
                connection = await self._connect()
                async with connection.transaction():
                    await connection.execute("DELETE FROM gateway_worker WHERE node = %s", [node])
        except (psycopg.Error, OSError, TimeoutError):
            log.debug("event=forget_failed node=%s", node)

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._database_url, connect_timeout=3, application_name="gatehouse-reporter"
            )
        return self._connection

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _skew_of(connection: AsyncConnection[Any]) -> float:
    """Return the seconds by which this node's clock is ahead; the way there and back is halved."""
    before = time.time()
    row = await (await connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8")).fetchone()
    assert row is not None
    return (before + time.time()) / 2 - float(row[0])


def _row(report: NodeReport, link: WorkerLink, skew: float) -> tuple[Any, ...]:
    return (
        report.node, link.name, link.pid, report.epoch or None, link.generation, report.is_stale,
        Jsonb(link.rejected), report.spool_bytes, link.decoded, datetime.fromtimestamp(link.started_at, UTC),
        Jsonb(_stats(report, link.series, skew)),
    )  # fmt: skip


def _stats(report: NodeReport, series: dict[str, float], skew: float) -> dict[str, Any]:
    """Return what the console's node page shows of a worker."""
    store = series.get('gatehouse_limit_questions_total{by="store"}', 0)
    leased = series.get('gatehouse_limit_questions_total{by="lease"}', 0)
    return {
        "in_flight": series.get("gatehouse_in_flight", 0),
        "queue_depth": series.get("gatehouse_queue_depth", 0),
        "lease_hit_rate": round(leased / (store + leased), 3) if store + leased else None,
        "memory_bytes": next((v for name, v in series.items() if name.startswith("gatehouse_worker_memory")), 0),
        "unrecorded": series.get("gatehouse_unrecorded_total", 0),
        "is_limit_store_up": series.get("gatehouse_limit_store_up", 1),
        "spool_age_seconds": round(report.spool_age_seconds, 1),
        "clock_skew_seconds": round(skew, 3),
        # `gatehouse_canary_fallback{version="…",revision="…"}` of each canary that this worker gave up.
        "canary_fallbacks": [name for name in series if name.startswith("gatehouse_canary_fallback{")],
    }
