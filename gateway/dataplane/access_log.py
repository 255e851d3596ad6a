"""One line for each call, written in the background: never a key, a query or a body.

`GATEHOUSE_ACCESS_LOG` is off, text (key=value) or json. Lines wait in memory for a moment; where they cannot be written
as fast as calls come, the newest are dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import UTC, datetime

import orjson

from gateway.dataplane.context import Call

FLUSH_SECONDS = 0.5
LINES_WAITING = 20_000
STDOUT = 1


class AccessLog:
    """The log of one worker."""

    def __init__(self, form: str, *, handle: int = STDOUT) -> None:
        self.dropped = 0
        self._is_json = form == "json"
        self._handle = handle
        self._lines: list[dict[str, object]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task that writes."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="access log")

    async def close(self) -> None:
        """Write what waits, then stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._flush()

    def note(self, call: Call) -> None:
        """Take a call that has ended; returns at once."""
        finished = call.finished
        if finished is None:
            return
        if len(self._lines) >= LINES_WAITING:
            self.dropped += 1
            return
        self._lines.append(
            {
                "at": finished.at,
                "call": finished.id,
                "client": call.peer,
                "method": finished.method,
                "path": finished.path,
                "status": finished.status,
                "code": finished.code,
                "fault": finished.fault,
                "version": finished.version_id,
                "operation": finished.operation_id,
                "application": finished.application_id,
                "subscription": finished.subscription_id,
                "model": finished.model,
                "attempts": finished.attempt,
                "total_ms": round(finished.total_ms, 2),
                "overhead_ms": round(finished.overhead_ms, 2),
                "auth_ms": round(call.auth_ns / 1e6, 2),
                "limit_ms": round(call.limit_ns / 1e6, 2),
                "upstream_ms": round(finished.upstream_ms, 2),
                "bytes_in": finished.request_bytes,
                "bytes_out": finished.response_bytes,
                "client_gone": finished.is_client_gone,
            }
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            await asyncio.to_thread(self._write, lines)

    def _write(self, lines: list[dict[str, object]]) -> None:
        data = b"".join(_as_json(line) if self._is_json else _as_text(line) for line in lines)
        while data:
            try:
                data = data[os.write(self._handle, data) :]
            except OSError:
                self.dropped += len(lines)
                return


def _moment(at: object) -> str:
    return datetime.fromtimestamp(float(str(at)), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_json(line: dict[str, object]) -> bytes:
    return orjson.dumps({**line, "at": _moment(line["at"])}) + b"\n"


def _as_text(line: dict[str, object]) -> bytes:
    """Return `key=value` pairs; a value with anything but plain characters is quoted as JSON quotes it."""
    parts = [f"at={_moment(line['at'])}"]
    for name, value in line.items():
        if name == "at" or value == "":
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "=')
        parts.append(f"{name}={text if is_plain else orjson.dumps(text).decode()}")
    return (" ".join(parts) + "\n").encode()
