"""A backup of the test's own database, put back over what came after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from gateway.control.changelog import record_change
from gateway.control.models import Change, Counter
from gateway.dataplane.records import AliasRecord
from supervisor.backup import back_up, restore
from supervisor.children import stop_child
from supervisor.errors import SupervisorError
from supervisor.home import Home
from supervisor.options import Options, read_options
from supervisor.postgres import STOP_SIGNAL, wait_until_ready
from supervisor.stores import embedded_postgres
from teams.models import Team


@pytest.fixture
def options(transactional_db, tmp_path: Path) -> Options:
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    key = tmp_path / "master.key"
    key.write_text(Path(os.environ["GATEHOUSE_MASTER_KEY_FILE"]).read_text())
    made = read_options({**os.environ, "GATEHOUSE_HOME": str(tmp_path), "DATABASE_URL": address.geturl()})
    return replace(made, master_key_file=key)


def write(key: str) -> None:
    with transaction.atomic():
        record_change("alias", key, AliasRecord("demo/small"))


@pytest.fixture
def later(options: Options, tmp_path: Path) -> Callable[[], Path]:
    """Return what backs up one team and one change, then goes on with the work."""

    def make() -> Path:
        Team.objects.create(slug="kept", name="Kept", required_approvals=0, minimum_notice_days=0)
        write("kept")
        file = back_up(options, tmp_path / "one.dump")
        Team.objects.filter(slug="kept").update(name="Changed")
        Team.objects.create(slug="later", name="Later", required_approvals=0, minimum_notice_days=0)
        write("later")
        connection.close()
        return file

    return make


def test_what_came_after_is_gone_and_gateways_are_told_to_load_anew(options, later):
    file = later()
    assert file.stat().st_mode & 0o077 == 0
    epoch = Counter.objects.get().epoch
    connection.close()
    restore(options, file)
    assert Team.objects.get(slug="kept").name == "Kept"
    assert not Team.objects.filter(slug="later").exists()
    assert not Change.objects.filter(key="later").exists()
    assert Counter.objects.get().epoch != epoch
    # The triggers of the changelog are back as well.
    write("new")
    assert Change.objects.get(key="new").generation is not None


def test_a_damaged_file_changes_nothing(options, later):
    file = later()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SupervisorError, match="pg_restore"):
        restore(options, file)
    assert Team.objects.filter(slug="later").exists()


def test_nothing_is_restored_under_whoever_uses_the_database(options, later):
    file = later()
    assert Team.objects.filter(slug="later").exists()
    with pytest.raises(SupervisorError, match="in use by"):
        restore(options, file)


def test_an_embedded_database_is_backed_up_while_it_runs_and_while_it_rests(tmp_path):
    options = read_options({"GATEHOUSE_HOME": str(tmp_path / "home"), "GATEHOUSE_STORES": "wheel"})
    home = Home(options.home)
    home.prepare()
    database = embedded_postgres(options, home)
    database.prepare()
    with (tmp_path / "log").open("wb") as log:
        process = database.start(log)
        try:
            wait_until_ready(database, process)
            assert embedded_postgres(options, home).port == database.port
            running = back_up(options, tmp_path / "running.dump")
        finally:
            stop_child(process, by=STOP_SIGNAL, limit_seconds=10)
    resting = back_up(options, tmp_path / "resting.dump")
    assert running.read_bytes()[:5] == resting.read_bytes()[:5] == b"PGDMP"


def test_what_is_missing_is_named(options, tmp_path):
    with pytest.raises(SupervisorError, match=r"no file .*nothing\.dump"):
        restore(options, tmp_path / "nothing.dump")
    file = tmp_path / "x.dump"
    file.write_bytes(b"x")
    with pytest.raises(SupervisorError, match="no master key"):
        restore(replace(options, master_key_file=tmp_path / "none"), file)


def test_without_a_name_it_goes_to_the_home(options):
    assert back_up(options, None).parent == options.home / "backups"
