"""Pytest plugin: one PostgreSQL and one Valkey per test process, up before Django reads its settings.

pytest-django imports the settings before any conftest, so this is loaded by `-p` (pyproject.toml), which also comes
before pytest's own `pythonpath`: hence its place at the root and the line that puts platform/ on the path.
"""

from __future__ import annotations

import atexit
import base64
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
for _folder in (ROOT, ROOT / "platform"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from supervisor import postgres, valkey  # noqa: E402
from supervisor.binaries import Server, find_postgres, find_valkey  # noqa: E402
from supervisor.children import stop_child  # noqa: E402
from supervisor.ports import free_port  # noqa: E402

PREFIX = "gatehouse-test-"


@dataclass(frozen=True, slots=True)
class Stores:
    """What one run started, and the folder that goes away with it."""

    home: Path
    processes: list[tuple[subprocess.Popen[bytes], signal.Signals]]
    sentence: str

    def stop(self) -> None:
        """Stop the servers and remove their folder."""
        for process, stop_signal in reversed(self.processes):
            stop_child(process, by=stop_signal, limit_seconds=10)
        shutil.rmtree(self.home, ignore_errors=True)


_running: list[Stores] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Start the stores before pytest-django looks at the settings, and tell their addresses by environment."""
    options = early_config.known_args_namespace
    if not (_running or options.help or options.version):
        _running.append(start_stores())
        # An error before the first test never reaches pytest_unconfigure.
        atexit.register(pytest_unconfigure)
    return (yield)


def pytest_unconfigure() -> None:
    """Stop the stores after the last test."""
    while _running:
        _running.pop().stop()


def pytest_report_header() -> str:
    """Say which stores the tests run on."""
    return f"stores: {_running[0].sentence}"


def start_stores() -> Stores:
    """Start both servers without durability, in memory where the machine has /dev/shm, and set the environment."""
    parent = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
    _remove_leftovers(parent)
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    # The database's own user has to pass through.
    home.chmod(0o711)
    choice = os.environ.get("GATEHOUSE_STORES", "wheel")
    database = postgres.Postgres(
        find_postgres(choice), home / "postgres", free_port(), secrets.token_hex(16), is_durable=False
    )
    cache = valkey.Valkey(find_valkey(choice), home / "valkey", free_port(), secrets.token_hex(16), is_durable=False)
    stores = Stores(home, [], f"{_named('PostgreSQL', database.server)}, {_named('Valkey', cache.server)}")
    try:
        with (home / "stores.log").open("ab") as log:
            cache.prepare()
            stores.processes.append((cache.start(log), valkey.STOP_SIGNAL))
            database.prepare()
            stores.processes.append((database.start(log), postgres.STOP_SIGNAL))
        valkey.wait_until_ready(cache, stores.processes[0][0])
        postgres.wait_until_ready(database, stores.processes[1][0])
    except BaseException:
        stores.stop()
        raise
    _tell(home, database, cache)
    return stores


def _tell(home: Path, database: postgres.Postgres, cache: valkey.Valkey) -> None:
    master_key = home / "secrets" / "master.key"
    master_key.parent.mkdir(mode=0o700)
    master_key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    master_key.chmod(0o600)
    os.environ.update(
        DATABASE_URL=database.url,
        REDIS_URL=cache.url,
        GATEHOUSE_HOME=str(home),
        GATEHOUSE_MASTER_KEY_FILE=str(master_key),
        GATEHOUSE_PRIVATE_NETWORKS="127.0.0.0/8,::1/128",
        TZ="UTC",
    )


def _named(label: str, server: Server) -> str:
    return f"{label} {server.version_text} ({server.source})"


def _remove_leftovers(parent: Path) -> None:
    """Remove folders of runs that were killed: their servers died with them."""
    for folder in parent.glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).split("-", 1)[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
