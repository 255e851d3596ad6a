"""The script itself, the locks it installs from, and what a command says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from supervisor import checks
from supervisor.assets import SOURCE_MAP
from supervisor.errors import SupervisorError
from supervisor.options import inherited, read_options

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def run_script(checkout: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "run"), *words], env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout with spaces"
    folder.mkdir()
    shutil.copy(ROOT / "run", folder / "run")
    return folder


def test_an_old_python_is_refused_by_name(checkout: Path, tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = run_script(checkout, PATH=os.defpath, PYTHON=str(old))
    assert done.returncode == 1
    assert f"PYTHON={old} does not run, or is older than 3.11." in done.stderr


def test_a_python_without_ensurepip_gets_the_one_line_to_install_it(checkout: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *"%d"*) echo 3.11;; *version_info*) exit 0;; esac\n')
    bare.chmod(0o755)
    done = run_script(checkout, PATH=os.defpath, PYTHON=str(bare))
    assert done.returncode == 1
    assert "apt-get install -y python3.11-venv" in done.stderr


def test_an_unknown_command_is_named_with_those_that_exist(checkout: Path) -> None:
    done = run_script(checkout, "fly", PATH=os.defpath)
    assert done.returncode == 1
    assert "There is no command 'fly'." in done.stderr
    assert "./run test" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_by_hash_and_holds_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"https?://|--index-url|--find-links", text)
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    assert [entry for entry in entries if "==" not in entry or not entry.rstrip().endswith("\\")] == []


def test_every_input_has_its_lock() -> None:
    inputs = {file.stem for file in (ROOT / "requirements").glob("*.in")}
    assert inputs == {lock.stem for lock in LOCKS}


@pytest.mark.parametrize("folder", [".", "tests/documents", "tests/identity"])
def test_a_lock_of_packages_holds_no_address_of_a_registry(folder: str) -> None:
    text = (ROOT / folder / "package-lock.json").read_text()
    assert [name for name, package in json.loads(text)["packages"].items() if "resolved" in package] == []
    assert "registry" not in text


def test_front_end_packages_are_pinned_exactly() -> None:
    listed = json.loads((ROOT / "package.json").read_text())
    versions = {**listed["dependencies"], **listed["devDependencies"]}
    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_icon_list_is_sorted_without_repeats() -> None:
    names = (ROOT / "assets" / "icons.txt").read_text().split()
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    "text",
    ["a{}\n/*# sourceMappingURL=a.css.map */", "f();\n//# sourceMappingURL=a.js.map\n", "f();//# sourceMappingURL=a"],
)
def test_the_name_of_a_missing_source_map_is_cut_off(text: str) -> None:
    assert SOURCE_MAP.sub("", text) in ("a{}", "f();")


def test_in_ci_a_missing_browser_fails_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "set_up_front_end", lambda root: None)
    monkeypatch.setattr(checks, "find_browser", lambda environ: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SupervisorError, match="apt-get install -y chromium"):
        checks.run_tests(ROOT, [])


def test_elsewhere_a_missing_browser_leaves_only_its_tests_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(checks, "set_up_front_end", lambda root: None)
    monkeypatch.setattr(checks, "find_browser", lambda environ: None)
    monkeypatch.setattr(checks, "_run", lambda command, root, env: seen.append(list(command)) or 0)
    monkeypatch.delenv("CI", raising=False)
    assert checks.run_tests(ROOT, ["tests/teams"]) == 0
    assert seen[0][1:] == [
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadscope",
        "-m",
        "not slow and not browser",
        "tests/teams",
    ]
    assert "apt-get install -y chromium" in capsys.readouterr().err


def test_a_given_browser_that_does_not_run_is_not_taken(tmp_path: Path) -> None:
    assert checks.find_browser({"CHROMIUM": str(tmp_path / "none")}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("GATEHOUSE_CONSOLE_PORT", "80x"), ("GATEHOUSE_GATEWAY_PORT", "70000"), ("GATEHOUSE_STORES", "sqlite")],
)
def test_a_wrong_setting_is_told_with_its_name_and_value(name: str, value: str) -> None:
    with pytest.raises(SupervisorError) as raised:
        read_options({name: value})
    assert raised.value.problem == f"{name} is {value!r}."


def test_addresses_follow_the_ports_and_never_name_a_wildcard() -> None:
    options = read_options({"GATEHOUSE_BIND": "0.0.0.0", "GATEHOUSE_CONSOLE_PORT": "9001"})
    assert (options.console_url, options.gateway_url) == ("http://127.0.0.1:9001", "http://127.0.0.1:8080")
    assert options.probe_host == "127.0.0.1"


def test_children_get_a_clean_environment() -> None:
    env = inherited({"PATH": "/bin", "HOME": "/root", "TZ": "Asia/Tokyo", "KEY": "x", "GATEHOUSE_LOG_LEVEL": "DEBUG"})
    assert env == {"PATH": "/bin", "HOME": "/root", "LANG": "C.UTF-8", "TZ": "UTC", "GATEHOUSE_LOG_LEVEL": "DEBUG"}


def test_production_refuses_the_embedded_stores() -> None:
    with pytest.raises(SupervisorError, match="production needs DATABASE_URL and REDIS_URL"):
        read_options({"GATEHOUSE_MODE": "production", "DATABASE_URL": "postgresql://db/gatehouse"})
    given = {"DATABASE_URL": "postgresql://db/gatehouse", "REDIS_URL": "redis://cache"}
    assert read_options({"GATEHOUSE_MODE": "production", **given}).redis_url == "redis://cache"


def test_a_browser_that_fails_to_start_is_not_taken(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert checks.find_browser({"CHROMIUM": str(broken)}) is None
    broken.write_text("#!/bin/sh\nexit 0\n")
    assert checks.find_browser({"CHROMIUM": str(broken)}) == str(broken)
