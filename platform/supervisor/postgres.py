"""An embedded PostgreSQL: made once, started on a loopback port with a password, stopped fast."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from supervisor.binaries import Server
from supervisor.children import Account, run_child, start_child, unprivileged_account
from supervisor.errors import SupervisorError
from supervisor.ports import LOOPBACK

ROLE = "gatehouse"
DATABASE = "gatehouse"
# The superuser can enter in single-user mode only; the product's role owns its database and may create others.
ACCESS_RULES = f"# Written by the supervisor.\nhost all {ROLE} {LOOPBACK}/32 scram-sha-256\n"
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
STOP_SIGNAL = signal.SIGINT  # fast shutdown: sessions end, a checkpoint is written


@dataclass(frozen=True, slots=True)
class Postgres:
    """One data folder and the server over it."""

    server: Server
    data: Path
    port: int
    password: str
    is_durable: bool = True
    options: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address for DATABASE_URL."""
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def account(self) -> Account | None:
        """Who runs the server: nobody when we are root."""
        return unprivileged_account([self.server.program, self.data])

    def prepare(self) -> None:
        """Make the data folder, role and database when they are not there; set the role's password."""
        account = self.account
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)
        else:
            self._own(account)
        self.forget_dead_server()
        self._set_password(account)

    def argv(self) -> list[str]:
        """Return the server's command line."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            # Socket paths break at 107 bytes, and a checkout may lie deep.
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "log_min_messages": "warning",
            **({} if self.is_durable else UNSAFE_BUT_FAST),
            **self.options,
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.server.program), "-D", str(self.data), *flags]

    def start(self, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the server; ask `is_ready` until it answers."""
        return start_child(
            self.argv(), env=clean(), log=log, cwd=self.data, account=self.account, death_signal=STOP_SIGNAL
        )

    def is_ready(self, pid: int) -> bool:
        """Tell whether the server with this pid answers a query (the pid file alone outlives a crash)."""
        try:
            if int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]) != pid:
                return False
        except (OSError, ValueError):
            return False
        psql = self.server.program.parent / "psql"
        ask = [str(psql), "-Atqc", "SELECT 1"] if psql.exists() else [str(psql.parent / "pg_isready"), "-q"]
        env = {
            **clean(),
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.port),
            "PGUSER": ROLE,
            "PGDATABASE": DATABASE,
            "PGPASSWORD": self.password,
            "PGCONNECT_TIMEOUT": "2",
        }
        return run_child(ask, env=env, cwd=Path("/"), limit_seconds=10).returncode == 0

    def _initialise(self, account: Account | None) -> None:
        making = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        if account is not None:
            os.chown(making, account.uid, account.gid)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.server.version[0] >= 17
            else ["--locale=C.UTF-8"]
        )
        done = run_child(
            [
                str(self.server.program.parent / "initdb"),
                *("-D", str(making), "--username=postgres", "--encoding=UTF8", "--auth=reject"),
                *locale,
                *([] if self.is_durable else ["--no-sync"]),
            ],
            env=clean(),
            cwd=making,
            account=account,
        )
        if done.returncode != 0:
            raise SupervisorError(f"PostgreSQL could not make its data folder {making}:\n{done.stdout.strip()}")
        (making / "pg_hba.conf").write_text(ACCESS_RULES)
        self._single_user(
            making,
            [f"CREATE ROLE {ROLE} LOGIN CREATEDB", f"CREATE DATABASE {DATABASE} OWNER {ROLE}"],
            account,
        )
        # Renamed when it is whole: a start that was cut off here begins anew.
        os.replace(making, self.data)

    def _set_password(self, account: Account | None) -> None:
        self._single_user(self.data, [f"ALTER ROLE {ROLE} PASSWORD '{self.password}'"], account)

    def _single_user(self, data: Path, statements: list[str], account: Account | None) -> None:
        fast = [] if self.is_durable else ["-c", "fsync=off"]
        done = run_child(
            [str(self.server.program), "--single", "-D", str(data), "-c", "log_min_messages=error", *fast, "postgres"],
            env=clean(),
            cwd=data,
            account=account,
            text="".join(f"{statement};\n" for statement in statements),
        )
        if done.returncode != 0 or "ERROR:" in done.stdout or "FATAL:" in done.stdout:
            shown = done.stdout.replace(self.password, "...").strip()
            raise SupervisorError(f"PostgreSQL could not set up its role and database in {data}:\n{shown}")

    def _own(self, account: Account | None) -> None:
        """Give the folder to the user who runs the server, when it was made by another."""
        wanted = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
        found = self.data.stat()
        if found.st_uid == wanted[0]:
            return
        if os.geteuid() != 0:
            raise SupervisorError(
                f"The data folder {self.data} belongs to another user.",
                "Start as the user who made it, or set GATEHOUSE_HOME to another folder.",
            )
        for folder, _, files in os.walk(self.data):
            os.chown(folder, *wanted)
            for name in files:
                os.chown(os.path.join(folder, name), *wanted, follow_symlinks=False)

    def forget_dead_server(self) -> None:
        """Remove a pid file whose pid now names another program: PostgreSQL would refuse to start.

        The caller holds the lock of the run folder and has stopped what an earlier supervisor left, so no server
        of ours is alive here; a live one that the lock does not know is recognised by its command line.
        """
        pid, _ = running_server(self.data)
        if pid:
            raise SupervisorError(
                f"Another PostgreSQL (process {pid}) is running on {self.data}.",
                f"Stop it (kill -INT {pid}) and start again.",
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def clean() -> dict[str, str]:
    """Return the environment of a store: TZ fixed, since initdb writes what it finds into its settings."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def running_server(data: Path) -> tuple[int, int]:
    """Return pid and port of the server that runs on a data folder, zeros when none does."""
    try:
        # Line 1 is the pid, line 4 the port (src/include/utils/pidfile.h).
        lines = (data / "postmaster.pid").read_text().split("\n")
        pid, port = int(lines[0]), int(lines[3])
    except (OSError, ValueError, IndexError):
        return 0, 0
    line = command_line(pid)
    return (pid, port) if "postgres" in line and str(data) in line else (0, 0)


def command_line(pid: int) -> str:
    """Return a process's command line, empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def wait_until_ready(store: Postgres, process: subprocess.Popen[bytes], limit_seconds: float = 60) -> None:
    """Wait for the first answered query; raise when the server ends or the time is up."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SupervisorError(f"PostgreSQL stopped while starting (exit {process.returncode}).", "See its log.")
        if store.is_ready(process.pid):
            return
        time.sleep(0.02)
    raise SupervisorError(f"PostgreSQL did not answer within {limit_seconds:.0f} s.", "See its log.")
