"""What a child may do and when it ends."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor import children
from supervisor.children import Account, run_child, start_child, stop_child, unprivileged_account
from supervisor.errors import SupervisorError

REPORT = "import os, pathlib; print(os.geteuid(), os.getgroups(), pathlib.Path('/proc/self/status').read_text())"
NOBODY = pwd.getpwnam("nobody")


def test_a_plain_user_runs_its_servers_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY.pw_uid)
    assert unprivileged_account([tmp_path]) is None


def test_a_user_id_without_a_name_is_refused_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2_000_000_000)
    with pytest.raises(SupervisorError, match="user id 2000000000, which has no name.*DATABASE_URL"):
        unprivileged_account([tmp_path])


def test_root_hands_a_closed_folder_to_nobody_with_one_capability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(children, "can_grant_search", lambda: True)
    assert unprivileged_account([closed / "data"]) == Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid, may_search=True)
    assert unprivileged_account([Path("/usr/bin/env")]) == Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid)


def test_without_that_capability_the_setting_to_change_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(children, "can_grant_search", lambda: False)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(SupervisorError) as raised:
        unprivileged_account([closed / "data"])
    assert str(closed / "data") in raised.value.problem
    assert "GATEHOUSE_HOME" in raised.value.remedy


def test_a_dropped_child_keeps_nothing_but_the_search() -> None:
    """As root the drop is real; as a plain user the child is the user's own."""
    account = Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid, may_search=True) if os.geteuid() == 0 else None
    done = run_child([sys.executable, "-c", REPORT], env={"PATH": os.defpath}, cwd=Path("/"), account=account)
    effective = next(line for line in done.stdout.splitlines() if line.startswith("CapEff"))
    if account:
        assert done.stdout.startswith(f"{NOBODY.pw_uid} []")
        assert int(effective.split()[1], 16) == 1 << children.CAP_DAC_READ_SEARCH
    else:
        assert done.stdout.startswith(f"{os.geteuid()} ")


def test_a_deaf_child_is_killed_with_all_it_started(tmp_path: Path) -> None:
    deaf = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(grandchild.pid, flush=True); time.sleep(600)"
    )
    child = start_child([sys.executable, "-c", deaf], env={"PATH": os.defpath}, log=subprocess.PIPE, cwd=tmp_path)
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    assert not stop_child(child, by=signal.SIGTERM, limit_seconds=0.1)
    # Its end of the pipe closes when the last of the session is gone.
    assert child.stdout.read() == b""
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    assert grandchild > 0
