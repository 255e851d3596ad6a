"""A real node with its workers, on the test's database and Valkey."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.db import connection

from supervisor.ports import free_port

ROOT = Path(__file__).parents[3]


def database_url() -> str:
    """Return the address of the database this test runs in."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(url._replace(path="/" + str(connection.settings_dict["NAME"])))


class NodeProcess:
    """`python -m gateway.node` on a free port; `environment` overrides what it is told."""

    def __init__(self, home: Path, *, workers: int = 2, **environment: str) -> None:
        self.port = free_port()
        self.home = home
        self.log = (home / "node.log").open("ab")
        known = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "GATEHOUSE_HOME": str(home),
            "GATEHOUSE_MASTER_KEY_FILE": os.environ["GATEHOUSE_MASTER_KEY_FILE"],
            "GATEHOUSE_NODE_NAME": "node1",
            "GATEHOUSE_GATEWAY_PORT": str(self.port),
            "GATEHOUSE_GATEWAY_WORKERS": str(workers),
            "GATEHOUSE_PRIVATE_NETWORKS": "127.0.0.0/8",
            "DATABASE_URL": database_url(),
            "REDIS_URL": os.environ["REDIS_URL"],
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.node"], env={**known, **environment}, cwd=home, stderr=self.log
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> dict[str, Any]:
        """Wait until a worker is ready and return what it says."""
        return self.wait_for(self._readyz)

    def _readyz(self) -> dict[str, Any] | None:
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=2)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def wait_for(self, question: Any, seconds: float = 20.0) -> Any:
        """Return the first truthy answer; fail with the node's log when there is none in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if answer := question():
                return answer
            assert self.process.poll() is None, (self.home / "node.log").read_text()[-3000:]
            time.sleep(0.02)
        raise AssertionError((self.home / "node.log").read_text()[-3000:])

    def worker_pids(self) -> list[int]:
        """Return the processes of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def stop(self, by: int = signal.SIGTERM) -> int:
        """End the node and wait for it."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        code = self.process.wait(timeout=20)
        self.log.close()
        return code
