"""`./run backup` and `./run restore`: the database as one file, and what a restore must do beside putting it back.

The master key is left out on purpose: the file with the key beside it would open every sealed secret.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from supervisor.binaries import find_postgres
from supervisor.children import stop_child
from supervisor.errors import SupervisorError
from supervisor.home import Home
from supervisor.launch import child_env
from supervisor.options import Options
from supervisor.postgres import STOP_SIGNAL, Postgres
from supervisor.stores import embedded_postgres

READY_SECONDS = 30
PSQL = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
# Whatever stands there goes, what a newer release had added included; the schema is then as a new database has it.
EMPTY = (
    "--command=DROP SCHEMA public CASCADE",
    "--command=CREATE SCHEMA public AUTHORIZATION pg_database_owner",
    "--command=GRANT USAGE ON SCHEMA public TO PUBLIC",
)
# In this order: tables of a newer release, the state that gateways serve, and numbers that no gateway has seen.
AFTER_RESTORE = (("migrate", "--no-input"), ("rebuild_changelog",), ("new_epoch",))


def back_up(options: Options, file: Path | None) -> Path:
    """Write the database into a file, complete or not at all; return its path."""
    target = file or options.home / "backups" / time.strftime("gatehouse-%Y%m%d-%H%M%S.dump")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _database(options) as (url, programs):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.")
        os.close(handle)
        try:
            _run([programs / "pg_dump", "--format=custom", "--no-owner", f"--file={name}"], url)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    return target


def restore(options: Options, file: Path) -> None:
    """Replace the database by what a file holds, all of it or nothing, and let every gateway load it anew."""
    if not file.is_file():
        raise SupervisorError(f"There is no file {file}.", "Name one that ./run backup wrote.")
    if not options.master_key_file.exists():
        raise SupervisorError(
            f"There is no master key at {options.master_key_file}.",
            "Put back the key that the backup was made under: without it no sealed secret can be opened.",
        )
    with _database(options) as (url, programs):
        _refuse_while_used(url)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            script = Path(folder) / "restore.sql"
            _run([programs / "pg_restore", "--no-owner", f"--file={script}", file], url)
            _run([programs / "psql", *PSQL, *EMPTY, f"--file={script}"], url)
        env = child_env(options, url, options.redis_url or "redis://127.0.0.1:9/0")
        for command in AFTER_RESTORE:
            _checked([sys.executable, options.root / "manage.py", *command], env)


@contextlib.contextmanager
def _database(options: Options) -> Iterator[tuple[str, Path]]:
    """Give the database's address and the folder of PostgreSQL's programs; an embedded one that rests is started."""
    if options.database_url:
        yield options.database_url, _programs_for(options.database_url)
        return
    home = Home(options.home)
    database = embedded_postgres(options, home)
    if not (database.data / "PG_VERSION").exists():
        raise SupervisorError(f"There is no database in {options.home} yet.", "Start once with ./run, then stop it.")
    programs = database.server.program.parent
    if _answers(database.url):
        yield database.url, programs
        return
    database.prepare()
    with (home.path / "backup.log").open("ab") as log:
        process = database.start(log)
        try:
            _wait(database, process)
            yield database.url, programs
        finally:
            stop_child(process, by=STOP_SIGNAL, limit_seconds=10)


def _programs_for(url: str) -> Path:
    """Return the folder of programs that are of the server's own release: older ones cannot read it."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.Error as error:
        raise SupervisorError(f"The database does not answer: {str(error).strip()}", "Check DATABASE_URL.") from error
    try:
        return find_postgres(major=major).program.parent
    except SupervisorError as error:
        raise SupervisorError(
            f"The server is PostgreSQL {major}, and no pg_dump of that release is on this machine.",
            f"Install PostgreSQL {major} here, or use pg_dump and pg_restore where it runs (docs/operations.md).",
        ) from error


def _wait(database: Postgres, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_SECONDS
    while not database.is_ready(process.pid):
        if process.poll() is not None or time.monotonic() > until:
            raise SupervisorError("PostgreSQL did not start.", "Its words are in backup.log of GATEHOUSE_HOME.")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def _refuse_while_used(url: str) -> None:
    with psycopg.connect(url) as connection:
        others = connection.execute(
            "SELECT DISTINCT coalesce(nullif(application_name, ''), 'unnamed') FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchall()
    if others:
        names = ", ".join(sorted(name for (name,) in others))
        raise SupervisorError(
            f"The database is in use by {names}.", "Stop the console, the workers and the gateways, then try again."
        )


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def _run(command: list[str | Path], url: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, not by the command line."""
    address = urlsplit(url)
    env = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PGHOST": address.hostname or "127.0.0.1",
        "PGPORT": str(address.port or 5432),
        "PGUSER": unquote(address.username or ""),
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": _name(url),
    }
    _checked(command, env)


def _checked(command: list[str | Path], env: dict[str, str]) -> None:
    done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command[:3])
        raise SupervisorError(f"{words} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
