"""The worker processes of a node: started on one inherited socket, told the state, started again when they end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from gateway.node.exporter import add_up, lasting

log = logging.getLogger("gatehouse.node.workers")

LENGTH_BYTES = 4
LAST_WORDS_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class WorkerLink:
    """One worker's process and the socket to it. `generation` is what it last said it applied."""

    def __init__(
        self, name: str, listening: socket.socket, whole_state: Callable[[], Iterable[dict[str, Any]]]
    ) -> None:
        self.name = name
        self.pid = 0
        self.generation = 0
        self.decoded = 0
        self.rejected: list[dict[str, str]] = []
        # What the worker last counted, and what those before it had counted when they ended.
        self.series: dict[str, float] = {}
        self.former: dict[str, float] = {}
        self.started_at = time.time()
        self.changed = asyncio.Event()
        self._listening = listening
        self._whole_state = whole_state
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._is_stopping = False

    @property
    def is_running(self) -> bool:
        """Say whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def run(self) -> None:
        """Keep the worker running until `stop`; a worker that keeps dying is started ever more slowly."""
        pause = FIRST_PAUSE_SECONDS
        while not self._is_stopping:
            started = time.monotonic()
            await self._run_once()
            if self._is_stopping:
                return
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - started > 10 else min(pause * 2, LONGEST_PAUSE_SECONDS)
            log.warning("event=worker_ended worker=%s pid=%d restart_in=%.1f", self.name, self.pid, pause)
            await asyncio.sleep(pause)

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.dataplane", "--listen-fd", str(self._listening.fileno()),
                "--control-fd", str(theirs.fileno()), "--worker", self.name,
                pass_fds=(self._listening.fileno(), theirs.fileno()), preexec_fn=_die_with_parent,
            )  # fmt: skip
        self.pid, self.started_at, self.generation, self.decoded = self._process.pid, time.time(), 0, 0
        reader, self._writer = await asyncio.open_connection(sock=ours)
        for message in self._whole_state():
            self.send(message)
        listen = asyncio.create_task(self._listen(reader))
        try:
            await self._process.wait()
        finally:
            # What it said last of its counts may still lie in the socket.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(listen, LAST_WORDS_SECONDS)
            self.former, self.series = add_up((self.former, lasting(self.series))), {}
            self._writer.close()
            self._writer = None
            self.changed.set()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
                message = orjson.loads(await reader.readexactly(length))
                if message["type"] == "applied":
                    self.generation = message["generation"]
                    self.rejected = message["rejected"]
                    self.decoded += message["decoded"]
                    self.changed.set()
                elif message["type"] == "stats":
                    self.series = message["series"]

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; a worker that is between two lives gets the whole state when it is back."""
        if self._writer is not None and not self._writer.is_closing():
            body = orjson.dumps(message)
            self._writer.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)

    async def stop(self, limit_seconds: float) -> None:
        """Let calls under way end, then end the process."""
        self._is_stopping = True
        self.send({"type": "drain"})
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), limit_seconds)
        except TimeoutError:
            log.warning("event=worker_killed worker=%s pid=%d", self.name, self.pid)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def listen_on(bind: str, port: int) -> socket.socket:
    """Return the node's listening socket, inheritable by its workers."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((bind, port))
    listening.listen(2048)
    listening.setblocking(False)
    os.set_inheritable(listening.fileno(), True)
    return listening
