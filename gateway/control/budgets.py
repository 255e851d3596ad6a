"""Writes the counters of money and tokens anew from the ledger, after the store of limits has lost them.

Gateways close every hard budget while the store's epoch is missing or belongs to another server (allowance/store.py).
It is written again once all that was admitted before stands in the ledger: each node that ever reported has reported
since, and had nothing older to ship. A node that stays silent keeps the budgets closed until it is written off.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from redis import Redis

from apis.models import Plan
from gateway.control.compiler import compile_plan
from gateway.control.models import Worker
from gateway.dataplane.allowance.counters import (
    HARD_UNITS,
    SLIDING_WINDOW,
    TOKEN_BUCKET,
    Counter,
    calendar_bounds,
    counter_of,
)
from gateway.dataplane.allowance.store import EPOCH_KEY
from gateway.dataplane.records import LimitRecord
from usage.selectors import spent_since

logger = logging.getLogger("gatehouse.budgets")

SINCE_KEY = "gh:epoch:lost"
LOCK_KEY = "gh:epoch:lock"
LOCK_SECONDS = 300
# As in take.lua.
BUCKETS = 20
KEEP_MS = 3_600_000
# From a call's admission until its record is in a segment that a node counts as waiting.
SEAL_SECONDS = 2.5
# A call may be received before a window's start and be admitted after it.
EARLY_SECONDS = 2
BEHIND = """
SELECT DISTINCT node FROM gateway_worker
WHERE extract(epoch FROM reported_at) - coalesce((stats ->> 'spool_age_seconds')::float8, 0) < %s ORDER BY node
"""


def keep_budgets_open(store: Redis | None = None) -> list[str]:
    """Write the counters and the epoch where it is missing; return the nodes that are still waited for."""
    redis = store or Redis.from_url(settings.REDIS_URL)
    server = redis.info("server")["run_id"]
    if _text(redis, EPOCH_KEY).startswith(f"{server}:"):
        return []
    # One at a time: the others find the epoch, or try again.
    if not redis.set(LOCK_KEY, "1", nx=True, ex=LOCK_SECONDS):
        return []
    try:
        redis.delete(EPOCH_KEY)
        redis.set(SINCE_KEY, repr(_database_time()), nx=True)
        since = float(_text(redis, SINCE_KEY))
        if behind := _nodes_behind(since + SEAL_SECONDS):
            logger.warning("event=budgets_closed waiting_for=%s", ",".join(behind))
            return behind
        written = _write_counters(redis)
        redis.set(EPOCH_KEY, f"{server}:{uuid.uuid4()}")
        redis.delete(SINCE_KEY)
        logger.warning("event=budgets_opened counters=%d", written)
        return []
    finally:
        redis.delete(LOCK_KEY)


def write_off(node: str) -> int:
    """Forget a node that will not report again; what its spool holds is lost to the budgets. Return its workers."""
    return Worker.objects.filter(node=node).delete()[0]


def _text(redis: Redis, key: str) -> str:
    value = redis.get(key) or b""
    return value if isinstance(value, str) else value.decode()


def _database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])


def _nodes_behind(moment: float) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, [moment])
        return [row[0] for row in cursor.fetchall()]


def _write_counters(redis: Redis) -> int:
    seconds, micros = redis.time()
    now = seconds * 1000 + micros // 1000
    written = 0
    pipe = redis.pipeline(transaction=False)
    for counter, start, end, used in _spent(now):
        _write(pipe, counter, start, end, used, now)
        written += 1
        if written % 1000 == 0:
            pipe.execute()
    pipe.execute()
    return written


def _spent(now: int) -> Iterator[tuple[Counter, int, int, int]]:
    """Yield each hard counter with its window (ms) and what was spent in it."""
    for plan in Plan.objects.order_by("pk").iterator():
        for limit in compile_plan(plan).limits:
            if limit.unit not in HARD_UNITS:
                continue
            start, end = _window(limit, now)
            sums: dict[Counter, int] = defaultdict(int)
            for spent in spent_since(plan.public_id, start / 1000 - EARLY_SECONDS):
                sums[counter_of(limit, plan.public_id, spent.owners)] += spent.by_unit[limit.unit]
            for counter, used in sums.items():
                yield counter, start, end, used


def _window(limit: LimitRecord, now: int) -> tuple[int, int]:
    if limit.calendar:
        start, end, *_ = calendar_bounds(limit.calendar, limit.time_zone, now / 1000)
        return start * 1000, end * 1000
    window = limit.window_seconds * 1000
    if limit.algorithm in (SLIDING_WINDOW, TOKEN_BUCKET):
        return now - window, now
    start = now - now % window
    return start, start + window


def _write(pipe: Any, counter: Counter, start: int, end: int, used: int, now: int) -> None:
    """Write a counter as take.lua reads it; what slides is booked as spent just now, which frees it last."""
    window = counter.window_seconds * 1000
    if counter.algorithm == SLIDING_WINDOW:
        size = max(1, -(-window // BUCKETS))
        pipe.delete(f"{counter.key}:s")
        pipe.hset(f"{counter.key}:s", str(now // size), used)
        pipe.pexpire(f"{counter.key}:s", window + 2 * size + 1000)
    elif counter.algorithm == TOKEN_BUCKET and counter.limit > 0:
        full = now + used * window / counter.limit
        pipe.set(f"{counter.key}:t", f"{full:.6f}", px=int(full - now) + window)
    else:
        pipe.set(f"{counter.key}:{start // 1000}", used, px=end - now + KEEP_MS)
