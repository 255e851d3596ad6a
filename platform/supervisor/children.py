"""Starting one child process: own session, clean environment, dropped rights, dead when we are."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from supervisor.errors import SupervisorError

IS_LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAPBSET_READ = 23
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_READ_SEARCH = 2
# Version 3 of the capability calls: two 32-bit words of each set.
CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


@dataclass(frozen=True, slots=True)
class Account:
    """The user a child runs as; `may_search` lets it pass folders that are closed to that user."""

    name: str
    uid: int
    gid: int
    may_search: bool = False


def unprivileged_account(paths: Sequence[Path]) -> Account | None:
    """Return who must run a server that refuses root: nobody, or None when we are not root.

    The paths are what that user has to reach; where a folder on the way is closed to it, the child keeps the one
    capability that lets it search folders.
    """
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise SupervisorError(
            "PostgreSQL refuses to run as root, and this machine has no user `nobody`.",
            "Run ./run as a plain user, or set DATABASE_URL.",
        ) from None
    closed = next((path for path in paths if not is_reachable(path)), None)
    if closed is not None and not can_grant_search():
        raise SupervisorError(
            f"PostgreSQL refuses to run as root, and the user `nobody` cannot reach {closed}.",
            "Set GATEHOUSE_HOME to a folder that every user may pass (for example /var/lib/gatehouse), "
            "run ./run as a plain user, or set DATABASE_URL.",
        )
    return Account("nobody", entry.pw_uid, entry.pw_gid, may_search=closed is not None)


def _require_name(uid: int) -> None:
    """Containers may give a number that no user has; PostgreSQL asks for its name."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise SupervisorError(
            f"PostgreSQL refuses to run for the user id {uid}, which has no name on this machine.",
            "Run as a user that /etc/passwd lists, or set DATABASE_URL.",
        ) from None


def is_reachable(path: Path) -> bool:
    """Tell whether any user may pass every folder above the path."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists())


def can_grant_search() -> bool:
    """Tell whether this process may hand CAP_DAC_READ_SEARCH to a child."""
    return _libc is not None and _libc.prctl(PR_CAPBSET_READ, CAP_DAC_READ_SEARCH, 0, 0, 0) == 1


def start_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    log: IO[bytes] | int,
    cwd: Path,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session; the kernel sends it `death_signal` when this process dies."""
    return subprocess.Popen(
        list(argv),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_prepare(account, death_signal, os.getpid()),  # noqa: PLW1509
    )


def run_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    account: Account | None = None,
    text: str = "",
    limit_seconds: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end with the same rights as a child; its output is captured as one text."""
    return subprocess.run(
        list(argv),
        env=dict(env),
        cwd=cwd,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_seconds,
        check=False,
        preexec_fn=_prepare(account, signal.SIGKILL, os.getpid()),  # noqa: PLW1509
    )


def _prepare(account: Account | None, death_signal: signal.Signals, parent: int) -> Callable[[], None]:
    """Return what the child does between fork and exec; it allocates little and imports nothing."""

    def prepare() -> None:
        if account is not None:
            _become(account)
        # setgid and setuid reset the death signal, so it is set after them.
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(125)

    return prepare


def _become(account: Account) -> None:
    if account.may_search and _libc is not None:
        _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if account.may_search and _libc is not None:
        _keep_search()


def _keep_search() -> None:
    """Keep one capability through setuid and exec: permitted, inheritable, then ambient."""
    assert _libc is not None
    bit = 1 << CAP_DAC_READ_SEARCH
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if _libc.capset(header, sets) != 0:
        os._exit(126)
    if _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0) != 0:
        os._exit(126)


def stop_child(process: subprocess.Popen[bytes], *, by: signal.Signals, limit_seconds: float) -> bool:
    """Ask a child to stop, kill its whole session when it does not; tell whether it went by itself."""
    if process.poll() is not None:
        return True
    process.send_signal(by)
    try:
        process.wait(limit_seconds)
        return True
    except subprocess.TimeoutExpired:
        kill_session(process.pid)
        process.wait(5)
        return False


def kill_session(pid: int) -> None:
    """Kill a child and all that still share its process group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
