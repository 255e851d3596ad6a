"""GATEHOUSE_HOME: its folders, its lock and its secrets."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from supervisor.errors import SupervisorError

LOG_BYTES = 10 * 1024 * 1024
LOGS_KEPT = 3


@dataclass(frozen=True, slots=True)
class Home:
    """The folder all data of one installation lives in."""

    path: Path

    @property
    def run(self) -> Path:
        """Ports, pids and marks of the present run."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """Keys and passwords, apart from the database."""
        return self.path / "secrets"

    @property
    def ready(self) -> Path:
        """What a script reads to use the running product; exists only while ready."""
        return self.path / "ready.json"

    @property
    def demo(self) -> Path:
        """What the seed wrote: logins, token, key."""
        return self.secrets / "demo.json"

    def prepare(self) -> None:
        """Make the folders; secrets and run are closed to others."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder, mode in ((self.logs, 0o755), (self.run, 0o700), (self.secrets, 0o700)):
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except OSError as error:
            raise SupervisorError(
                f"The folder {self.path} cannot be used: {error.strerror}.",
                "Set GATEHOUSE_HOME to a folder you may write to.",
            ) from error

    def lock(self) -> int:
        """Take the run folder for this process; raise when another supervisor holds it."""
        handle = os.open(self.run / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 32).decode().strip()
            os.close(handle)
            raise SupervisorError(
                f"Gatehouse is already running on {self.path} (process {holder or 'unknown'}).",
                "Stop it first (Ctrl-C there), or set another GATEHOUSE_HOME and other ports.",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        return handle

    def password(self, name: str) -> str:
        """Return a generated password, the same at every start."""
        file = self.secrets / name
        if not file.exists():
            write_private(file, secrets.token_hex(24) + "\n")
        return file.read_text().strip()

    def open_log(self, name: str) -> Path:
        """Return a process's log, moved on first when it has grown large."""
        file = self.logs / f"{name}.log"
        rotate(file)
        return file


def make_master_key(file: Path) -> None:
    """Write the master key at the first start: 32 random bytes, base64, 0600."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as writer:
        writer.write(text)
    os.replace(fresh, file)


def rotate(file: Path) -> None:
    """Keep a log below its size: copied away and cut, since its writer holds it open for appending."""
    if not file.exists() or file.stat().st_size < LOG_BYTES:
        return
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = file.with_name(f"{file.name}.{number}")
        if older.exists():
            os.replace(older, file.with_name(f"{file.name}.{number + 1}"))
    with file.open("rb+") as grown:
        file.with_name(f"{file.name}.1").write_bytes(grown.read())
        grown.truncate(0)
