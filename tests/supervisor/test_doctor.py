"""`./run doctor` tells what is wrong and how to mend it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from supervisor.doctor import examine
from supervisor.home import Home, make_master_key
from supervisor.options import read_options
from supervisor.ports import free_port


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "GATEHOUSE_HOME": str(tmp_path / "home"),
        "GATEHOUSE_STORES": "wheel",
        "GATEHOUSE_CONSOLE_PORT": str(free_port()),
        "GATEHOUSE_GATEWAY_PORT": str(free_port()),
    }


def test_a_sound_checkout_has_nothing_wrong(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert examine(read_options(environ, has_model=False)) == 0
    report = capsys.readouterr().out
    assert "postgresql     18." in report
    assert "valkey         9." in report
    assert report.endswith("Nothing is wrong.\n")


def test_given_stores_are_named_without_their_passwords(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    urls = {"DATABASE_URL": "postgresql://u:hidden@db/x", "REDIS_URL": "redis://:hidden@cache/0"}
    examine(read_options({**environ, **urls}, has_model=False))
    report = capsys.readouterr().out
    assert "the server that DATABASE_URL names" in report
    assert "hidden" not in report


def test_a_taken_port_is_wrong_and_names_its_setting(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environ["GATEHOUSE_CONSOLE_PORT"])))
        taken.listen()
        assert examine(read_options(environ, has_model=False)) == 1
    report = capsys.readouterr().out
    assert "is taken by another program" in report
    assert "set GATEHOUSE_CONSOLE_PORT to another port" in report


def test_an_open_master_key_is_wrong_and_told_how_to_close(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = read_options(environ, has_model=False)
    make_master_key(options.master_key_file)
    options.master_key_file.chmod(0o644)
    assert examine(options) == 1
    assert f"chmod 600 '{options.master_key_file}'" in capsys.readouterr().out


def test_a_database_without_its_master_key_is_wrong(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = read_options(environ, has_model=False)
    home = Home(options.home)
    home.prepare()
    data = home.path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    assert examine(options) == 1
    assert "Put the key back from your backup" in capsys.readouterr().out


def test_data_of_a_version_that_is_not_here_is_named(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(environ["GATEHOUSE_HOME"]) / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    assert examine(read_options(environ, has_model=False)) == 1
    assert "made by PostgreSQL 14" in capsys.readouterr().out


def test_secrets_and_run_folders_are_closed_to_others(environ: dict[str, str]) -> None:
    home = Home(Path(environ["GATEHOUSE_HOME"]))
    home.prepare()
    password = home.password("postgres.password")
    assert home.password("postgres.password") == password
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home.secrets, home.run)}
    assert modes == {"secrets": 0o700, "run": 0o700}
    assert (home.secrets / "postgres.password").stat().st_mode & 0o777 == 0o600
    assert os.listdir(home.secrets) == ["postgres.password"]


def test_a_grown_log_is_moved_on_and_its_writer_goes_on(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.home.LOG_BYTES", 10)
    home = Home(Path(environ["GATEHOUSE_HOME"]))
    home.prepare()
    with home.open_log("web").open("ab", buffering=0) as writer:
        for line in (b"first line\n", b"second line\n", b"third line\n"):
            writer.write(line)
            home.open_log("web")
        writer.write(b"end\n")
    found = {path.name: path.read_text() for path in home.logs.iterdir()}
    assert found == {
        "web.log": "end\n",
        "web.log.1": "third line\n",
        "web.log.2": "second line\n",
        "web.log.3": "first line\n",
    }
