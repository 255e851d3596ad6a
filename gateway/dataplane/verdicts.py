"""Tells Valkey, in the background, why calls were refused and what AI calls cost: `/calls/{id}` reads it for an hour.

Best effort: what cannot be written is dropped and counted. The ledger gets its records by the spool, never by this.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from gateway.dataplane import tasks
from gateway.dataplane.allowance.store import Script
from gateway.dataplane.calls import Finished, to_json

log = logging.getLogger("gatehouse.verdicts")

KEEP_SECONDS = 3600
LISTED = 10_000
QUEUE_CALLS = 10_000
BATCH_CALLS = 200
WRITE_SECONDS = 1.0
GATHER_SECONDS = 0.02
LIST_KEY = "gh:verdicts"
KEEP = Script("keep.lua")


def verdict_key(call_id: str) -> str:
    """Return where the verdict on a refused call stands."""
    return f"gh:verdict:{call_id}"


def call_key(call_id: str) -> str:
    """Return where the outcome of a settled AI call stands."""
    return f"gh:call:{call_id}"


class Verdicts:
    """The queue of one worker and the task that writes it out."""

    def __init__(self, redis: Redis) -> None:
        self.dropped = 0
        self._redis = redis
        self._queue: deque[Finished] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task that writes."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="verdicts")

    async def close(self) -> None:
        """Stop the task after one last try to write what waits."""
        if self._task is not None:
            await tasks.end([self._task])
        while self._queue:
            await self._write_batch()

    def note(self, call: Finished) -> None:
        """Take an outcome; returns at once. A full queue drops the newest and counts it."""
        if len(self._queue) >= QUEUE_CALLS:
            self.dropped += 1
            return
        self._queue.append(call)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # A moment more, and one command tells of many calls.
            await asyncio.sleep(GATHER_SECONDS)
            while self._queue:
                await self._write_batch()

    async def _write_batch(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(BATCH_CALLS, len(self._queue)))]
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._write(batch)
        except (RedisError, OSError, TimeoutError) as error:
            self.dropped += len(batch)
            log.warning("event=verdicts_dropped reason=%s dropped=%d", type(error).__name__, self.dropped)

    async def _write(self, batch: list[Finished]) -> None:
        kept: dict[str, bytes] = {}
        refused = []
        for call in batch:
            if call.code:
                kept[verdict_key(call.id)] = _verdict(call)
                refused.append(call.id)
            if call.kind != "rest" and call.attempt:
                kept[call_key(call.id)] = to_json(call)
        await self._keep([*kept], [*kept.values()])
        if refused:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.lpush(LIST_KEY, *refused)
                pipe.ltrim(LIST_KEY, 0, LISTED - 1)
                pipe.expire(LIST_KEY, KEEP_SECONDS)
                await pipe.execute()

    async def _keep(self, keys: list[str], values: list[bytes]) -> None:
        """Set all keys in one command: the client's cost is by command, not by key."""
        if not keys:
            return
        try:
            await self._redis.evalsha(KEEP.sha, len(keys), *keys, KEEP_SECONDS, *values)
        except NoScriptError:
            await self._redis.eval(KEEP.text, len(keys), *keys, KEEP_SECONDS, *values)


def _verdict(call: Finished) -> bytes:
    return orjson.dumps(
        {
            "id": call.id,
            "at": call.at,
            "status": call.status,
            "code": call.code,
            "fault": call.fault,
            "rule": call.rule,
            "verdict": call.verdict,
            "method": call.method,
            "path": call.path,
        }
    )
