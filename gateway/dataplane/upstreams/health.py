"""Active health checks: each worker asks its targets now and then, for as long as the version is in force and used."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from gateway.dataplane.errors import UpstreamError
from gateway.dataplane.upstreams import UpstreamRequest
from gateway.dataplane.upstreams.balancer import Group, Target

if TYPE_CHECKING:
    from gateway.dataplane.runtime import Runtime

log = logging.getLogger("gatehouse.upstreams")

CHECK_SECONDS = 5.0
_watched: dict[int, asyncio.Task[None]] = {}


def watch(group: Group, runtime: Runtime, key: str) -> None:
    """Begin to check a group's targets, once."""
    if id(group) not in _watched:
        task = asyncio.get_running_loop().create_task(_check_for_ever(group, runtime, key), name="health checks")
        _watched[id(group)] = task
        task.add_done_callback(lambda _: _watched.pop(id(group), None))


async def _check_for_ever(group: Group, runtime: Runtime, key: str) -> None:
    record = group.record
    while runtime.live.current().upstreams.get(key) is record:
        for target in group.targets:
            is_healthy = await _is_healthy(runtime, target, group)
            if is_healthy != target.is_healthy:
                log.warning("event=target_%s version=%s", "recovered" if is_healthy else "unhealthy", key)
            target.is_healthy = is_healthy
        # Spread, so that the workers of an installation do not ask at the same moment.
        await asyncio.sleep(record.health_seconds * random.uniform(0.8, 1.2))  # noqa: S311


async def _is_healthy(runtime: Runtime, target: Target, group: Group) -> bool:
    request = UpstreamRequest(
        "GET", target.base_url + group.record.health_path, [(b"user-agent", b"gatehouse health check")],
        connect_seconds=CHECK_SECONDS, first_byte_seconds=CHECK_SECONDS, between_chunks_seconds=CHECK_SECONDS,
        total_seconds=CHECK_SECONDS, tls=group.record.tls,
    )  # fmt: skip
    try:
        response = await runtime.upstream.send(request)
        try:
            while await response.read():
                pass
        finally:
            await response.aclose()
    except UpstreamError:
        return False
    return 200 <= response.status < 400
