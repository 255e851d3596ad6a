"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): an operation runs once, and is replayed then.

The answer is kept in Valkey, sealed with a key of this installation's master key: no body lies there in clear. A key
belongs to its subscription, in one environment, and to the method, path and body it came with first.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from hashlib import sha256

import orjson
from redis.exceptions import RedisError

from gateway.dataplane import replies
from gateway.dataplane.alternates import PRODUCTION
from gateway.dataplane.context import Call
from gateway.dataplane.errors import (
    Header,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    IdempotencyRunning,
    LimitsUnavailable,
)
from gateway.dataplane.keys import SealError
from gateway.dataplane.records import IdempotencyRecord
from gateway.dataplane.runtime import Runtime

NAME = b"idempotency-key"
KEY_CHARACTERS = 255
BODY_BYTES = 1024 * 1024
STORE_SECONDS = 0.25
# Longer than a call may take: a worker that died must not hold its key for the whole time to live.
RUNNING_SLACK_SECONDS = 10.0
REPLAYED: Header = (b"idempotency-replayed", b"true")
UNKEPT: Header = (b"gatehouse-idempotency", b"not kept")
RUNNING, DONE = b"r", b"d"


def rule_of(call: Call) -> IdempotencyRecord | None:
    """Return the rule of the call's operation, None when it has none."""
    rule = call.route.idempotency if call.route is not None else None
    if rule is None or call.operation is None or call.operation.operation_id not in rule.operations:
        return None
    return rule


async def serve(
    call: Call, runtime: Runtime, rule: IdempotencyRecord, forward: Callable[[], Awaitable[None]], total_seconds: float
) -> None:
    """Forward the call once for its key; answer a repetition from what was kept."""
    key = read_key(call, rule)
    if key is None:
        await forward()
        return
    body = await replies.read_body(call, BODY_BYTES)
    call.whole_body = body
    target = f"{call.method} {call.raw_path}?{call.query.decode('latin-1')}\n".encode()
    place = f"gh:idempotency:{_owner(call)}:{sha256(key.encode()).hexdigest()}"
    fingerprint = sha256(target + body).digest()
    try:
        held = await _claim(runtime, place, fingerprint, total_seconds + RUNNING_SLACK_SECONDS)
    except (RedisError, OSError, TimeoutError) as error:
        if rule.is_required:
            raise LimitsUnavailable(
                "The store that remembers idempotency keys does not answer. Try again in 1 s.",
                headers=[(b"retry-after", b"1")],
            ) from error
        call.extra_headers = [*call.extra_headers, UNKEPT]
        await forward()
        return
    if held is not None:
        await _replay(call, runtime, place, held, fingerprint)
        return
    await _run(call, runtime, rule, forward, place, fingerprint)


def _owner(call: Call) -> str:
    """Return whose keys a call's are: its subscription's, without one its API key's, in the environment it reaches."""
    route = call.route
    assert route is not None
    owner = call.subscription_id or f"{call.credential_id}@{route.version_id}"
    return owner if route.environment == PRODUCTION else f"{owner}~{route.environment}"


def read_key(call: Call, rule: IdempotencyRecord) -> str | None:
    """Return the key: a Structured Field string, or the same without quotes; raise IdempotencyKeyInvalid."""
    given = [value for name, value in call.headers if name == NAME]
    if not given:
        if rule.is_required:
            raise IdempotencyKeyInvalid(
                "This operation needs an Idempotency-Key: send one of your own making, and the same again to repeat it."
            )
        return None
    text = given[0].decode("latin-1").strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if len(given) > 1 or not 0 < len(text) <= KEY_CHARACTERS or not all(" " <= char <= "~" for char in text):
        raise IdempotencyKeyInvalid(
            f"The Idempotency-Key must be one text of 1 to {KEY_CHARACTERS} printable characters."
        )
    return text


async def _claim(runtime: Runtime, place: str, fingerprint: bytes, seconds: float) -> bytes | None:
    """Take the key for this call; return what is held under it when somebody was first."""
    async with asyncio.timeout(STORE_SECONDS):
        redis = runtime.allowance.redis
        if await redis.set(place, RUNNING + fingerprint, nx=True, px=int(seconds * 1000)):
            return None
        held: bytes | None = await redis.get(place)
        # It ended between the two questions: the next repetition finds nothing and runs.
        return held if held is not None else RUNNING + fingerprint


async def _replay(call: Call, runtime: Runtime, place: str, held: bytes, fingerprint: bytes) -> None:
    if held[1:33] != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key came with another request before. Use a new one for a new request."
        )
    if held[:1] == RUNNING:
        raise IdempotencyRunning(
            "The first call with this Idempotency-Key is still under way. Repeat it in a second.",
            headers=[(b"retry-after", b"1")],
        )
    try:
        kept = orjson.loads(runtime.keys.replies.open(held[33:], context=place))
    except SealError as error:
        raise IdempotencyRunning(
            "What this Idempotency-Key was answered cannot be read any more. Use a new key.",
            headers=[(b"retry-after", b"1")],
        ) from error
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept["headers"]]
    body = base64.b64decode(kept["body"])
    replies.respond(call, runtime, kept["status"], [*headers, REPLAYED], body)


async def _run(
    call: Call,
    runtime: Runtime,
    rule: IdempotencyRecord,
    forward: Callable[[], Awaitable[None]],
    place: str,
    fingerprint: bytes,
) -> None:
    call.capture = capture = replies.Capture(BODY_BYTES)
    is_kept = False
    try:
        await forward()
        if capture.is_whole and not call.code:
            is_kept = await _keep(runtime, rule, capture, place, fingerprint)
    finally:
        # What failed on the way may run again; so may what was too large to keep.
        if not is_kept:
            await _forget(runtime, place)


async def _keep(
    runtime: Runtime, rule: IdempotencyRecord, capture: replies.Capture, place: str, fingerprint: bytes
) -> bool:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in capture.headers]
    content = {"status": capture.status, "headers": headers, "body": base64.b64encode(capture.body).decode()}
    box = runtime.keys.replies.seal(orjson.dumps(content), context=place)
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await runtime.allowance.redis.set(place, DONE + fingerprint + box, px=rule.ttl_seconds * 1000)
    except (RedisError, OSError, TimeoutError):
        return False
    return True


async def _forget(runtime: Runtime, place: str) -> None:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await runtime.allowance.redis.delete(place)
    except (RedisError, OSError, TimeoutError):
        return
