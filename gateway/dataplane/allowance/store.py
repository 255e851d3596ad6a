"""The store of the counters: Valkey, asked within 50 ms or not at all, behind a breaker."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

log = logging.getLogger("gatehouse.allowance")

DEADLINE_SECONDS = 0.05
# `{run id of the server}:{uuid}`, by the control plane: what was spent of money and tokens stands in the counters.
EPOCH_KEY = "gh:epoch"
END_FOREIGN_EPOCH = """
local epoch = redis.call("GET", KEYS[1])
if epoch and string.sub(epoch, 1, #ARGV[1] + 1) ~= ARGV[1] .. ":" then
  return redis.call("DEL", KEYS[1])
end
return 0
"""
BREAKER_FAILURES = 5
BREAKER_SECONDS = 1.0


class StoreDown(Exception):  # noqa: N818  a state of the store, translated before it leaves the allowance
    """The store did not answer in time, or the breaker is open."""


class Script:
    """A Lua script and the name under which the store keeps it."""

    def __init__(self, name: str) -> None:
        self.text = Path(__file__).with_name(name).read_text()
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Store:
    """Runs scripts. What is not answered in time is not known to have happened: it counts as spent."""

    def __init__(self, redis_url: str) -> None:
        self.redis: Redis = _connect(redis_url)
        self.breaker = Breaker()

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Return the script's answer; raise StoreDown when there is none in time."""
        if not self.breaker.lets_through():
            raise StoreDown
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await self._evaluate(script, keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self.breaker.failed(error)
            raise StoreDown from error
        self.breaker.answered()
        return answer

    async def _evaluate(self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        try:
            return await self.redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.redis.eval(script.text, len(keys), *keys, *arguments)


class Breaker:
    """Spares every call the deadline once the store has missed some in a row; one call in a while tries again."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Say whether the store is left alone."""
        return self._failures >= BREAKER_FAILURES

    def lets_through(self) -> bool:
        """Say whether this call may ask."""
        if not self.is_open:
            return True
        now = time.monotonic()
        if now < self._open_until:
            return False
        # Only this call tries; the others wait for what it finds.
        self._open_until = now + BREAKER_SECONDS
        return True

    def failed(self, error: BaseException) -> None:
        """Count a call that was not answered."""
        self._failures += 1
        if self._failures == BREAKER_FAILURES:
            log.error("event=limit_store_down reason=%s", type(error).__name__)
        if self.is_open:
            self._open_until = time.monotonic() + BREAKER_SECONDS

    def answered(self) -> None:
        """Forget the failures."""
        if self.is_open:
            log.warning("event=limit_store_up")
        self._failures = 0


async def _greet(connection: AbstractConnection) -> None:
    """Set a new connection up; where it leads to another server than the epoch was written on, end the epoch.

    A server that took over, or came back from its disk, may have lost the last of what was spent.
    """
    await connection.on_connect()
    await connection.send_command("INFO", "server")
    server = run_id_of(await connection.read_response())
    await connection.send_command("EVAL", END_FOREIGN_EPOCH, 1, EPOCH_KEY, server)
    if int(await connection.read_response()):
        log.error("event=budgets_closed reason=other_store run_id=%s", server)


def run_id_of(info: bytes | str) -> str:
    """Return the server's run id from the answer to INFO."""
    text = info.decode() if isinstance(info, bytes) else info
    return next((line[7:].strip() for line in text.splitlines() if line.startswith("run_id:")), "")


def _connect(redis_url: str) -> Redis:
    """Return the worker's client: no retries of its own, since the deadline is ours."""
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=64,
        timeout=DEADLINE_SECONDS,
        socket_connect_timeout=1.0,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=_greet,
    )
    return Redis.from_pool(pool)
