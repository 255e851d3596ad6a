"""Keeps processes running: starts, waits until ready, restarts with back-off, stops in order."""

from __future__ import annotations

import http.client
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from supervisor.children import kill_session, stop_child
from supervisor.errors import SupervisorError
from supervisor.home import Home, rotate
from supervisor.orphans import Child, born, remember

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A process that ran this long is taken as healthy again: its next failure starts with the short pause.
HEALTHY_AFTER_SECONDS = 60.0
SHOWN_LOG_LINES = 15


class Interrupted(Exception):
    """The person asked to stop while the start was under way."""


@dataclass(slots=True)
class Kept:
    """One process and what is known about it; `start` is called anew for every restart."""

    name: str
    start: Callable[[IO[bytes]], subprocess.Popen[bytes]]
    is_ready: Callable[[subprocess.Popen[bytes]], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 2.0
    ready_seconds: float = 60.0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    due_at: float | None = None


class Keeper:
    """All processes of one start, in the order they were started."""

    def __init__(self, home: Home, say: Callable[[str], None]) -> None:
        self.home = home
        self.say = say
        self.kept: dict[str, Kept] = {}
        self.is_stopping = False

    @property
    def children_file(self) -> Path:
        """Where the next start looks for what a killed supervisor left."""
        return self.home.run / "children.json"

    def ask_to_stop(self, *_: object) -> None:
        """Signal handler: the loops see the wish and end."""
        self.is_stopping = True

    def start(self, kept: Kept) -> None:
        """Start a process and remember it."""
        self.kept[kept.name] = kept
        with self.home.open_log(kept.name).open("ab") as log:
            kept.process = kept.start(log)
        kept.started_at = time.monotonic()
        kept.due_at = None
        self._remember()

    def run_step(self, name: str, start: Callable[[IO[bytes]], subprocess.Popen[bytes]], limit_seconds: float) -> None:
        """Run a command to its end; raise with the end of its log when it fails."""
        file = self.home.open_log(name)
        with file.open("ab") as log:
            process = start(log)
        deadline = time.monotonic() + limit_seconds
        while process.poll() is None:
            if self.is_stopping or time.monotonic() > deadline:
                stop_child(process, by=signal.SIGTERM, limit_seconds=2)
                if self.is_stopping:
                    raise Interrupted
                raise SupervisorError(f"`{name}` did not end within {limit_seconds:.0f} s.", f"See {file}.")
            self._require_alive()
            time.sleep(0.03)
        if process.returncode != 0:
            raise SupervisorError(f"`{name}` failed (exit {process.returncode}):\n{tail(file)}", f"Log: {file}")

    def wait_until_ready(self, names: Sequence[str]) -> None:
        """Wait for the processes; raise with the end of the log when one ends or stays silent."""
        waiting = [self.kept[name] for name in names]
        while waiting:
            if self.is_stopping:
                raise Interrupted
            self._require_alive()
            now = time.monotonic()
            waiting = [kept for kept in waiting if not (kept.process and kept.is_ready(kept.process))]
            for kept in waiting:
                if now - kept.started_at > kept.ready_seconds:
                    raise self._failure(kept, f"was not ready after {kept.ready_seconds:.0f} s")
            if waiting:
                time.sleep(0.05)

    def tend(self) -> None:
        """Restart what ended, each after a pause that grows with its failures; keep logs small. Call it often."""
        now = time.monotonic()
        for kept in self.kept.values():
            if kept.due_at is not None:
                if now >= kept.due_at:
                    self.say(f"{kept.name}: starting again")
                    self.start(kept)
            elif kept.process is not None and kept.process.poll() is not None:
                self._note_end(kept, now)
        for kept in self.kept.values():
            rotate(self.home.logs / f"{kept.name}.log")

    def stop_all(self, order: Sequence[str], limit_seconds: float = 9.0) -> list[str]:
        """Stop everything in order within the limit; return who had to be killed."""
        deadline = time.monotonic() + limit_seconds
        names = [name for name in order if name in self.kept]
        names += [name for name in reversed(self.kept) if name not in names]
        killed = []
        for index, name in enumerate(names):
            kept = self.kept[name]
            if kept.process is None:
                continue
            # Each of those that follow keeps a share, the stores' clean end above all.
            left = deadline - time.monotonic() - 0.4 * (len(names) - index - 1)
            if not stop_child(kept.process, by=kept.stop_signal, limit_seconds=max(0.2, min(kept.stop_seconds, left))):
                killed.append(name)
            # What it started itself must not outlive it and hold its port.
            kill_session(kept.process.pid)
        self.kept.clear()
        self.children_file.unlink(missing_ok=True)
        return killed

    def _note_end(self, kept: Kept, now: float) -> None:
        assert kept.process is not None
        kill_session(kept.process.pid)
        if now - kept.started_at > HEALTHY_AFTER_SECONDS:
            kept.failures = 0
        pause = min(FIRST_PAUSE_SECONDS * 2**kept.failures, LONGEST_PAUSE_SECONDS)
        kept.failures += 1
        kept.due_at = now + pause
        self.say(
            f"{kept.name}: ended (exit {kept.process.returncode}), starts again in {pause:.1f} s; "
            f"log: {self.home.logs / kept.name}.log"
        )

    def _require_alive(self) -> None:
        for kept in self.kept.values():
            if kept.process is not None and kept.process.poll() is not None:
                raise self._failure(kept, f"ended while starting (exit {kept.process.returncode})")

    def _failure(self, kept: Kept, what: str) -> SupervisorError:
        file = self.home.logs / f"{kept.name}.log"
        return SupervisorError(f"{kept.name} {what}:\n{tail(file)}", f"Log: {file}")

    def _remember(self) -> None:
        remember(
            self.children_file,
            [
                Child(kept.name, kept.process.pid, born(kept.process.pid), int(kept.stop_signal))
                for kept in self.kept.values()
                if kept.process is not None
            ],
        )


def tail(file: Path, lines: int = SHOWN_LOG_LINES) -> str:
    """Return the last lines of a log."""
    try:
        text = file.read_bytes()[-16_384:].decode(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def answers(url: str) -> bool:
    """Tell whether a URL answers 200; environment proxies are not asked, the server is ours."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        link.request("GET", parts.path or "/")
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()
