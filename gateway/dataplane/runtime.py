"""What a worker holds for all its calls, made once at the start and given to `app.create_app`.

The seams between the parts of the data plane stand here as protocols: whoever implements one needs no other file.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gateway.dataplane.calls import Finished, Started
from gateway.dataplane.keys import Sealer, derive_key
from gateway.dataplane.metrics import Metrics
from gateway.dataplane.policies.own_tokens import Signer
from gateway.dataplane.settings import Settings
from gateway.dataplane.state import LiveState
from gateway.dataplane.upstreams import Upstream

if TYPE_CHECKING:
    from gateway.dataplane.access_log import AccessLog
    from gateway.dataplane.context import Call
    from gateway.dataplane.policies.key_sets import KeySets
    from gateway.dataplane.spans import Spans


class Spool(Protocol):
    """Where the two records of a call go: one unbuffered write each."""

    @property
    def is_writable(self) -> bool:
        """Say whether the last write worked and there is room."""
        ...

    @property
    def unrecorded(self) -> int:
        """Return how many records could not be written."""
        ...

    @property
    def size_bytes(self) -> int:
        """Return what this node's unshipped segments take."""
        ...

    def append(self, call: Started) -> None:
        """Write one record before returning; raise errors.SpoolFull when it cannot be."""
        ...

    def count_refusal(self, *, code: str, version_id: str, at: float) -> None:
        """Count a refusal before authentication; written per minute, never one record each. Must not raise."""
        ...


class Verdicts(Protocol):
    """Where `/calls/{id}` finds why a call was refused and what an AI call cost. Best effort, never awaited."""

    def note(self, call: Finished) -> None:
        """Take the outcome of a refused or an AI call; must return at once and never raise."""
        ...


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys derived from the master key that calls need."""

    pepper: bytes = field(repr=False)
    try_it: bytes = field(repr=False)
    replies: Sealer = field(repr=False)
    signing: bytes = field(repr=False)

    @classmethod
    def derive(cls, master: bytes) -> Keys:
        """Derive them once."""
        return cls(
            pepper=derive_key(master, "pepper"),
            try_it=derive_key(master, "try-it"),
            replies=Sealer(master, "replies"),
            signing=derive_key(master, "signing"),
        )


Handler = Callable[["Call", "Runtime"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of a worker. `handlers` maps an API's kind to who serves it after authorise (see proxy.py).

    `allowance` is the AI and limits side's own (allowance.Allowance); only policies/limits.py and ai.py touch it.
    """

    settings: Settings
    live: LiveState
    upstream: Upstream
    allowance: Any
    spool: Spool
    verdicts: Verdicts
    keys: Keys
    handlers: Mapping[str, Handler]
    signer: Signer
    key_sets: KeySets
    metrics: Metrics = field(default_factory=Metrics)
    access_log: AccessLog | None = None
    spans: Spans | None = None
    now: Callable[[], float] = time.time
