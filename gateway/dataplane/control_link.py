"""The worker's end of the socket to its node: state comes in, what was applied goes back.

Frames both ways: a 4-byte big-endian length and that many bytes of JSON. The node that goes away takes the worker with
it: without one nothing would bring revocations.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from gateway.dataplane.state import Applied, LiveState

log = logging.getLogger("gatehouse.link")

LENGTH_BYTES = 4
TELL_SECONDS = 1.0
# A part of a state, or a whole one of a node before there were parts, stays well below.
FRAME_BYTES = 1 << 30


def pack(message: dict[str, Any]) -> bytes:
    """Return one frame."""
    body = orjson.dumps(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class ControlLink:
    """Reads the node's messages into the live state until the link ends or the node says `drain`."""

    def __init__(
        self, live: LiveState, *, worker: str, on_end: Callable[[str], None], series: Callable[[], dict[str, float]]
    ) -> None:
        self._live = live
        self._series = series
        self._worker = worker
        self._on_end = on_end
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, connection: socket.socket) -> None:
        """Serve the link; calls `on_end` with the reason once it is over."""
        reader, writer = await asyncio.open_connection(sock=connection)
        self._writer = writer
        self._send({"type": "ready", "worker": self._worker, "pid": os.getpid()})
        reason = "link closed"
        telling = asyncio.create_task(self._tell_for_ever(), name="metrics")
        try:
            while True:
                message = await self._read(reader)
                if message["type"] == "drain":
                    reason = "drain"
                    return
                self._take(message)
        except (asyncio.IncompleteReadError, ConnectionError):
            log.warning("event=node_gone worker=%s", self._worker)
        except (ValueError, KeyError, TypeError) as error:
            log.exception("event=link_broken worker=%s", self._worker)
            reason = f"link broken: {error}"
        finally:
            telling.cancel()
            self._send({"type": "stats", "series": self._series()})
            writer.close()
            self._on_end(reason)

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self._send({"type": "stats", "series": self._series()})

    async def _read(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        if length > FRAME_BYTES:
            raise ValueError(f"a frame of {length} bytes")
        message = orjson.loads(await reader.readexactly(length))
        if not isinstance(message, dict):
            raise TypeError("a frame that is not an object")
        return message

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "delta":
            self._report(self._live.apply(message["generation"], message["changes"]))
        elif kind == "load":
            self._live.begin(epoch=message["epoch"], generation=message["generation"])
            self._take_part(message)
        elif kind == "part":
            self._take_part(message)
        elif kind == "freshness":
            self._live.set_freshness(is_stale=message["is_stale"], age_seconds=message["age_seconds"])
        else:
            log.warning("event=unknown_message type=%s", kind)

    def _take_part(self, message: dict[str, Any]) -> None:
        """Take a part of the whole state: parts keep the worker from holding all of it twice."""
        self._live.add(message["changes"])
        if message.get("more"):
            return
        self._report(self._live.finish(is_stale=message["is_stale"], age_seconds=message["age_seconds"]))

    def _report(self, applied: Applied) -> None:
        for rejection in applied.rejected:
            log.error("event=change_rejected kind=%s key=%s reason=%r", rejection.kind, rejection.key, rejection.reason)
        rejected = [asdict(rejection) for rejection in self._live.rejected.values()]
        self._send(
            {"type": "applied", "generation": applied.generation, "rejected": rejected, "decoded": applied.decoded}
        )

    def _send(self, message: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(pack(message))
