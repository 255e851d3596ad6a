"""Children of a supervisor that was killed: remembered in a file, recognised, stopped at the next start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from supervisor.children import kill_session


@dataclass(frozen=True, slots=True)
class Child:
    """One started process; `born` tells it from another that got the same pid later."""

    name: str
    pid: int
    born: str
    stop_signal: int


def born(pid: int) -> str:
    """Return when a process was started, in the system's own words; empty when there is none or it is dead."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        if Path("/proc/self").exists():
            return ""
    else:
        # The name in parentheses may hold anything: count the fields after it. 0 is the state, 19 the start time.
        fields = status.rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def remember(file: Path, children: list[Child]) -> None:
    """Write down who runs now."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps([asdict(child) for child in children]))
    os.replace(fresh, file)


def stop_orphans(file: Path, limit_seconds: float = 8.0) -> list[str]:
    """Stop what an earlier supervisor left behind, stores last; return the names of those that were alive."""
    try:
        remembered = [Child(**entry) for entry in json.loads(file.read_text())]
    except (OSError, ValueError, TypeError):
        return []
    alive = [child for child in remembered if child.born and born(child.pid) == child.born]
    deadline = time.monotonic() + limit_seconds
    # Remembered in the order of the start: the stores stand first and are asked last.
    for child in reversed(alive):
        _signal(child.pid, signal.Signals(child.stop_signal))
        step = min(deadline, time.monotonic() + limit_seconds / len(alive))
        while born(child.pid) == child.born and time.monotonic() < step:
            time.sleep(0.05)
        # Also when it went by itself: what it started may be left in its session.
        kill_session(child.pid)
    file.unlink(missing_ok=True)
    return [child.name for child in alive]


def _signal(pid: int, wanted: signal.Signals) -> None:
    try:
        os.kill(pid, wanted)
    except (ProcessLookupError, PermissionError):
        return
