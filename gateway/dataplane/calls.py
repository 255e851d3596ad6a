"""A call's identity and its two records: `Started` before the first byte up, `Finished` before the last one down.

Both are what the spool carries and the ledger stores. A refused call has a `Finished` alone (attempt 0). Money is an
integer of nano-USD; durations are milliseconds; `at` is fixed once, in UTC epoch seconds with microseconds.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from uuid import UUID

import orjson

RANDOM_BYTES = 4096
_random = b""


def random_bytes(number: int) -> bytes:
    """Return a few random bytes; the system is asked once for many, since asking costs more than the rest of an id."""
    global _random
    if len(_random) < number:
        _random = os.urandom(RANDOM_BYTES)
    taken, _random = _random[-number:], _random[:-number]
    return taken


def new_call_id(now: float | None = None) -> UUID:
    """Return a UUID version 7 (RFC 9562 §5.7) for the given epoch seconds, now by default."""
    millis = int((time.time() if now is None else now) * 1000)
    value = (millis & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(random_bytes(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


# Without slots: both are made and written once per call, and orjson writes a plain instance in a third of the time.
@dataclass
class Started:
    """Written before the upstream sees anything; alone in the ledger it means `interrupted`, billed as reserved."""

    id: str
    attempt: int
    at: float
    # By a factory, so that each instance holds it: what only the class holds is not written.
    type: str = field(default_factory=lambda: "started", init=False)
    environment: str = "production"
    node: str = ""
    worker: str = ""
    generation: int = 0
    kind: str = "rest"
    api_id: str = ""
    version_id: str = ""
    operation_id: str = ""
    owner_team_id: str = ""
    application_id: str = ""
    team_id: str = ""
    subscription_id: str = ""
    plan_id: str = ""
    credential_id: str = ""
    user_id: str = ""
    is_try_it: bool = False
    method: str = ""
    path: str = ""
    client_request_id: str = ""
    provider: str = ""
    model: str = ""
    reserved_tokens: int = 0
    reserved_nano: int = 0


@dataclass
class Finished(Started):
    """The whole outcome. It repeats what `Started` said, so that a lost `Started` costs nothing.

    `code` is the problem code ("" on success), `fault` caller, policy, upstream, gateway or "". `rule` names the
    refusing rule (`free@1`, limit id `minute`), `verdict` is one sentence for `/calls/{id}`. `price_state`: none,
    priced, unknown.
    """

    type: str = field(default_factory=lambda: "finished", init=False)
    status: int = 0
    code: str = ""
    fault: str = ""
    rule: str = ""
    verdict: str = ""
    upstream_status: int = 0
    is_streamed: bool = False
    is_client_gone: bool = False
    total_ms: float = 0.0
    overhead_ms: float = 0.0
    upstream_ms: float = 0.0
    first_byte_ms: float = 0.0
    request_bytes: int = 0
    response_bytes: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    is_estimated: bool = False
    cost_nano: int = 0
    price_state: str = "none"


def to_json(call: Started) -> bytes:
    """Return the spool form: the fields, of which `type` is `started` or `finished`."""
    return orjson.dumps(call)
