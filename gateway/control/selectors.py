"""Who runs which generation: desired by the database, applied by each worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.clock import now
from gateway.control.changelog import current_generation
from gateway.control.models import Worker

SILENT_AFTER = timedelta(seconds=10)
BEHIND_AFTER = timedelta(seconds=5)
# A worker that has said nothing for this long is gone and no longer waited for.
FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One row of the node table. `badge` is the state whose colours it takes."""

    node: str
    worker: str
    pid: int
    desired: int
    applied: int
    state: str
    badge: str
    spool_bytes: int
    started_at: datetime
    reported_at: datetime
    rejected: list[dict[str, Any]]
    stats: dict[str, Any]

    @property
    def leased_text(self) -> str:
        """Return the share of limits that were decided without asking the store, "-" before the first."""
        rate = self.stats.get("lease_hit_rate")
        return "-" if rate is None else f"{rate:.0%}"

    @property
    def spool_text(self) -> str:
        """Return what waits to be shipped and since when, and what could not be recorded."""
        age, lost = self.stats.get("spool_age_seconds", 0), self.stats.get("unrecorded", 0)
        waiting = f"{self.spool_bytes / 1024:,.0f} KB, {age:.0f} s" if self.spool_bytes else "empty"
        return f"{waiting}, {lost:,.0f} unrecorded" if lost else waiting

    @property
    def clock_text(self) -> str:
        """Return by how much the node's clock differs from the database's."""
        skew = self.stats.get("clock_skew_seconds", 0)
        return "in step" if abs(skew) < 0.5 else f"{skew:+.1f} s"


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """All workers and the sentence that sums them up."""

    desired_generation: int
    workers: list[WorkerStatus]
    sentence: str
    is_in_step: bool

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """Return each rejected change once."""
        seen = {(item.get("kind"), item.get("key")): item for worker in self.workers for item in worker.rejected}
        return list(seen.values())


def gateway_status() -> GatewayStatus:
    """Return every known worker, desired versus applied."""
    desired, moment = current_generation(), now()
    rows = Worker.objects.filter(reported_at__gt=moment - FORGOTTEN_AFTER)
    workers = [_status(row, desired, moment) for row in rows]
    in_step = [worker for worker in workers if worker.state == "In step"]
    return GatewayStatus(desired, workers, _sentence(desired, workers, len(in_step)), len(in_step) == len(workers) > 0)


def _status(row: Worker, desired: int, moment: datetime) -> WorkerStatus:
    if moment - row.reported_at > SILENT_AFTER:
        state, badge = "Silent", "failed"
    elif row.is_stale or row.rejected:
        state, badge = "Kept last good state", "warning"
    elif row.generation >= desired:
        state, badge = "In step", "published"
    else:
        state, badge = "Catching up", "pending"
    return WorkerStatus(
        row.node, row.worker, row.pid, desired, row.generation, state, badge, row.spool_bytes,
        row.started_at, row.reported_at, list(row.rejected), dict(row.stats),
    )  # fmt: skip


def _sentence(desired: int, workers: list[WorkerStatus], in_step: int) -> str:
    if not workers:
        return "No gateway has reported. Start one with ./run, or see that it reaches the database."
    if in_step == len(workers):
        who = {1: "The worker runs", 2: "Both workers run"}.get(in_step, f"All {in_step} workers run")
        return f"{who} generation {desired}."
    return f"{in_step} of {len(workers)} workers run generation {desired}."


def applied_on(generation: int) -> tuple[int, int]:
    """Return how many live workers have applied a generation, and how many live workers there are."""
    rows = Worker.objects.filter(reported_at__gt=now() - SILENT_AFTER).values_list("generation", flat=True)
    generations = list(rows)
    return sum(1 for applied in generations if applied >= generation), len(generations)
