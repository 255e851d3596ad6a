"""Loopback ports: free ones for the stores, asked-for ones for what people open."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

from supervisor.errors import SupervisorError

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """Return a port that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without it a connection of the previous run in TIME_WAIT would look like a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free(port: int, host: str, setting: str) -> None:
    """Raise SupervisorError naming the setting when the port is taken."""
    if not is_free(port, host):
        raise SupervisorError(
            f"Port {port} on {host} is taken by another program.",
            f"Stop that program, or choose another port: {setting}={free_port()} ./run",
        )


def kept_port(name: str, file: Path, host: str = LOOPBACK) -> int:
    """Return the port kept for the name in a JSON file; choose and keep a new one when it is taken."""
    kept: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(file.read_text())
    port = kept.get(name)
    if not isinstance(port, int) or not is_free(port, host):
        port = free_port(host)
        kept[name] = port
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(kept))
        os.replace(fresh, file)
    return port
