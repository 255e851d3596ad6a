"""An embedded Valkey: loopback port, password, append-only file, never evicting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from supervisor.binaries import Server
from supervisor.children import start_child
from supervisor.errors import SupervisorError
from supervisor.ports import LOOPBACK
from supervisor.postgres import clean

STOP_SIGNAL = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Valkey:
    """One data folder and the server over it."""

    server: Server
    data: Path
    port: int
    password: str
    is_durable: bool = True

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def settings_file(self) -> Path:
        """Where the server's settings stand, password included: 0600, never on the command line."""
        return self.data / "valkey.conf"

    def prepare(self) -> None:
        """Make the data folder and write the settings."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.data}"',
            f"appendonly {'yes' if self.is_durable else 'no'}",
            'save ""',
            # A counter that is evicted would admit calls over their limit.
            "maxmemory-policy noeviction",
            "daemonize no",
            "loglevel notice",
        ]
        handle = os.open(self.settings_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write("\n".join(settings) + "\n")

    def argv(self) -> list[str]:
        """Return the server's command line."""
        return [str(self.server.program), str(self.settings_file)]

    def start(self, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the server; ask `is_ready` until it answers."""
        return start_child(self.argv(), env=clean(), log=log, cwd=self.data, death_signal=STOP_SIGNAL)

    def is_ready(self) -> bool:
        """Tell whether the server answers PING and has loaded its data."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := link.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"


def wait_until_ready(store: Valkey, process: subprocess.Popen[bytes], limit_seconds: float = 30) -> None:
    """Wait for the first PONG; raise when the server ends or the time is up."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SupervisorError(f"Valkey stopped while starting (exit {process.returncode}).", "See its log.")
        if store.is_ready():
            return
        time.sleep(0.02)
    raise SupervisorError(f"Valkey did not answer within {limit_seconds:.0f} s.", "See its log.")
