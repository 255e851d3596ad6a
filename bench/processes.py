"""The processes of a measurement: pinned to a core, paused while others are measured, ended by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# The measured gateway has this core to itself; load generator and upstream share the other.
GATEWAY_CORE, LOAD_CORE = 0, 1


class Process:
    """One program with all its children."""

    def __init__(self, argv: Sequence[object], *, core: int, log: Path, env: Mapping[str, str] | None = None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                ["taskset", "-c", str(core), *(str(word) for word in argv)],
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=log.parent,
                env={"PATH": os.environ["PATH"], "HOME": str(log.parent), "TZ": "UTC", **(env or {})},
            )  # fmt: skip
        self.log = log

    @property
    def pid(self) -> int:
        """Return the first process's id."""
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """Say whether it still runs."""
        return self._popen.poll() is None

    def tree(self) -> list[int]:
        """Return the ids of the process and all its descendants."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    continue
                parents.setdefault(parent, []).append(int(entry.name))
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += parents.get(pid, [])
        return found

    def cpu_seconds(self) -> float:
        """Return user and system time of the tree, ended children included."""
        total = 0
        for pid in self.tree():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(int(field) for field in fields[11:15])
        return total / TICKS

    def memory_mb(self) -> dict[int, float]:
        """Return the proportional set size of each process of the tree."""
        sizes = {}
        for pid in self.tree():
            try:
                rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            sizes[pid] = sum(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024
        return sizes

    def worker_mb(self) -> float:
        """Return the largest of its children, the process itself where it has none."""
        sizes = self.memory_mb()
        children = [size for pid, size in sizes.items() if pid != self.pid]
        return max(children) if children else sum(sizes.values())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole tree."""
        for pid in self.tree():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        """End the tree: kindly, then not."""
        if not self.is_running:
            return
        pids = self.tree()
        self.signal(signal.SIGCONT)
        self._popen.terminate()
        try:
            self._popen.wait(8)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._popen.wait()
        for pid in pids[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def machine_seconds() -> tuple[float, float]:
    """Return the seconds that the whole machine was busy, and those that its host took away."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields[:3] + fields[5:7]) / TICKS, fields[7] / TICKS


def wait_for(question: object, seconds: float, what: str) -> None:
    """Ask until the answer is yes; raise RuntimeError naming what did not come."""
    assert callable(question)
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} did not come up within {seconds:g} s")
        time.sleep(0.1)
