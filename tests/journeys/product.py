"""The whole product as a person starts it, in a folder of its own, on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from supervisor.ports import free_port

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


class Product:
    """`./run`, less the set-up that the tests' own start has done."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="gatehouse journey "))
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        ports = {"GATEHOUSE_CONSOLE_PORT": str(free_port()), "GATEHOUSE_GATEWAY_PORT": str(free_port())}
        self.environment = {
            **kept, **ports, "GATEHOUSE_HOME": str(self.home), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            "GATEHOUSE_STORES": "wheel",
        }  # fmt: skip
        self.log = (self.home / "supervisor.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "up"], cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log
        )
        try:
            self.ready: dict[str, Any] = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> dict[str, Any]:
        file = self.home / "ready.json"

        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, (self.home / "supervisor.log").read_text()
            found: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
            return found

        return until(look, seconds=420)

    @property
    def console(self) -> str:
        return str(self.ready["console_url"])

    @property
    def gateway(self) -> str:
        return str(self.ready["gateway_url"])

    def stop(self) -> int:
        """Stop it as Ctrl-C does and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=30)
        self.log.close()
        return code


def until(question: Callable[[], T | None], *, seconds: float = 30.0) -> T:
    """Return the first truthy answer; fail when there is none in time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while True:
        if answer := question():
            return answer
        assert time.monotonic() < deadline, f"no answer within {seconds:g} s"
        pause.wait(0.1)
