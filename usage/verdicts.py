"""What the gateway told Valkey of a call: at hand at once and for an hour, before and beside the ledger."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any
from uuid import UUID

import orjson
import redis
from django.conf import settings

from gateway.dataplane.calls import Finished

logger = logging.getLogger("gatehouse.usage")
TIMEOUT_SECONDS = 0.5


@cache
def _store() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )


def verdict_on(call_id: UUID) -> dict[str, Any] | None:
    """Return why a call was refused: {id, at, status, code, fault, rule, verdict, method, path}; None when not told."""
    return _read(f"gh:verdict:{call_id}")


def settled_call(call_id: UUID) -> Finished | None:
    """Return the whole outcome of an AI call, None when it is not there."""
    known = _read(f"gh:call:{call_id}")
    if known is None:
        return None
    # A gateway of another version may write more fields than this one knows.
    return Finished(**{name: value for name, value in known.items() if name in Finished.__dataclass_fields__})


def _read(key: str) -> dict[str, Any] | None:
    try:
        raw = _store().get(key)
    except redis.RedisError as error:
        logger.warning("event=verdict_unreadable reason=%s", type(error).__name__)
        return None
    if not isinstance(raw, bytes):
        return None
    value = orjson.loads(raw)
    return value if isinstance(value, dict) else None
