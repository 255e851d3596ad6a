"""The embedded PostgreSQL over a real data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from supervisor import postgres
from supervisor.binaries import find_postgres
from supervisor.children import stop_child
from supervisor.errors import SupervisorError
from supervisor.ports import free_port


@pytest.fixture
def store(tmp_path: Path) -> postgres.Postgres:
    # pytest keeps its folders at 0700: as root the server runs as nobody and has to pass them.
    home = tmp_path / "a home with spaces"
    home.mkdir()
    made = postgres.Postgres(find_postgres("wheel"), home / "postgres", free_port(), "secret")
    made.prepare()
    return made


@pytest.fixture
def server(store: postgres.Postgres) -> Iterator[subprocess.Popen[bytes]]:
    process = store.start(subprocess.DEVNULL)
    postgres.wait_until_ready(store, process)
    yield process
    stop_child(process, by=postgres.STOP_SIGNAL, limit_seconds=5)


def test_a_killed_server_starts_again_with_its_rows(store: postgres.Postgres, server: subprocess.Popen[bytes]) -> None:
    with psycopg.connect(store.url) as link:
        link.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.kill()
    server.wait()
    assert (store.data / "postmaster.pid").exists()
    assert not store.is_ready(server.pid)
    store.forget_dead_server()
    again = store.start(subprocess.DEVNULL)
    try:
        postgres.wait_until_ready(store, again)
        with psycopg.connect(store.url) as link:
            assert link.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        stop_child(again, by=postgres.STOP_SIGNAL, limit_seconds=5)


def test_a_stale_pid_file_naming_another_program_does_not_block(store: postgres.Postgres) -> None:
    (store.data / "postmaster.pid").write_text(f"{os.getpid()}\n{store.data}\n")
    store.prepare()
    assert not (store.data / "postmaster.pid").exists()


def test_a_live_server_on_the_folder_is_named(store: postgres.Postgres, server: subprocess.Popen[bytes]) -> None:
    with pytest.raises(SupervisorError, match=f"process {server.pid}"):
        store.prepare()


def test_a_wrong_password_is_refused(store: postgres.Postgres, server: subprocess.Popen[bytes]) -> None:
    assert server.poll() is None
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(store.url.replace("secret", "wrong"))


def test_the_superuser_cannot_connect(store: postgres.Postgres, server: subprocess.Popen[bytes]) -> None:
    assert server.poll() is None
    with pytest.raises(psycopg.OperationalError, match="no pg_hba.conf entry"):
        psycopg.connect(store.url.replace("//gatehouse:", "//postgres:"))


def test_fast_shutdown_ends_sessions_and_leaves_no_pid_file(
    store: postgres.Postgres, server: subprocess.Popen[bytes]
) -> None:
    link = psycopg.connect(store.url)
    assert stop_child(server, by=postgres.STOP_SIGNAL, limit_seconds=5)
    with pytest.raises(psycopg.OperationalError):
        link.execute("SELECT 1")
    link.close()
    assert not (store.data / "postmaster.pid").exists()


def test_a_server_dies_with_the_process_that_started_it(store: postgres.Postgres) -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from supervisor import postgres, binaries;"
            "s = postgres.Postgres(binaries.find_postgres('wheel'), Path(sys.argv[1]), int(sys.argv[2]), 'secret');"
            "p = s.start(2); postgres.wait_until_ready(s, p); print(p.pid, flush=True); time.sleep(60)",
            str(store.data),
            str(store.port),
        ],
        env={**os.environ, "PYTHONPATH": str(Path(postgres.__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 10
    while postgres.command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert postgres.command_line(pid) == ""
