"""The node's copy of the published world, and its sealed file: what a start without the database serves from."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from gateway.dataplane.keys import Sealer, SealError

log = logging.getLogger("gatehouse.node.state")

# A payload stays the JSON text it came as: the node passes it on and never looks inside.
RawChange = tuple[str, str, str | None]


@dataclass(slots=True)
class NodeState:
    """Every key's newest payload. `confirmed_at` is when the database last said that this is all (epoch seconds)."""

    epoch: str = ""
    generation: int = 0
    confirmed_at: float = 0.0
    payloads: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_loaded(self) -> bool:
        """Say whether there is anything to serve from."""
        return bool(self.epoch)

    @property
    def age_seconds(self) -> float:
        """Return how long ago the database was last heard; a clock set back counts as no time."""
        return max(0.0, time.time() - self.confirmed_at)

    def apply(self, generation: int, changes: Iterable[RawChange]) -> None:
        """Take one generation."""
        for kind, key, payload in changes:
            if payload is None:
                self.payloads.pop((kind, key), None)
            else:
                self.payloads[kind, key] = payload
        self.generation = generation

    def changes(self) -> list[RawChange]:
        """Return the whole state as changes."""
        return [(kind, key, payload) for (kind, key), payload in self.payloads.items()]


def as_json(changes: Iterable[RawChange]) -> list[tuple[str, str, orjson.Fragment | None]]:
    """Return changes as they are written into a message, their payloads as the JSON they are."""
    return [(kind, key, None if payload is None else orjson.Fragment(payload)) for kind, key, payload in changes]


class StateFile:
    """Keeps a state on disk, encrypted and authenticated as a whole, 0600, replaced by rename."""

    def __init__(self, path: Path, master_key: bytes) -> None:
        self._path = path
        self._sealer = Sealer(master_key, "state")
        self._context = f"state:{path.stem}"

    def save(self, state: NodeState) -> None:
        """Write the state; raise OSError when the disk refuses."""
        body = orjson.dumps(
            {
                "epoch": state.epoch,
                "generation": state.generation,
                "confirmed_at": state.confirmed_at,
                "changes": as_json(state.changes()),
            }
        )
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self._sealer.seal(body, context=self._context))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)

    def load(self) -> NodeState | None:
        """Return the state on disk; None when there is none or it cannot be trusted, which is logged."""
        try:
            body = orjson.loads(self._sealer.open(self._path.read_bytes(), context=self._context))
        except FileNotFoundError:
            return None
        except (SealError, OSError, orjson.JSONDecodeError) as error:
            log.error("event=state_file_refused path=%s reason=%r", self._path, str(error))
            return None
        state = NodeState(body["epoch"], body["generation"], body["confirmed_at"])
        changes = ((kind, key, orjson.dumps(payload).decode()) for kind, key, payload in body["changes"])
        state.apply(body["generation"], changes)
        return state
