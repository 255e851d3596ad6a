"""docker-compose.yml and Dockerfile start what ./run starts: compared with the one table, no engine needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from supervisor.binaries import Server
from supervisor.launch import child_env
from supervisor.options import read_options
from supervisor.table import PROCESSES, STEPS, STOP_ORDER, Process, fill
from supervisor.valkey import Valkey

ROOT = Path(__file__).parents[2]
HOME = "/var/lib/gatehouse"
WORDS = {
    "python": "python",
    "home": HOME,
    "bind": "0.0.0.0",
    "demo_bind": "0.0.0.0",
    "console_port": "8000",
    "gateway_port": "8080",
    "upstream_port": "8090",
    "model_port": "8091",
}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_compose_has_the_processes_of_the_table_and_no_other(services: dict[str, Any]) -> None:
    assert set(services) == {process.name for process in PROCESSES} | {"postgres", "valkey", "setup"}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_command_is_the_table_s(process: Process, services: dict[str, Any]) -> None:
    assert services[process.name]["command"] == [fill(word, WORDS) for word in process.argv]


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_process_waits_for_what_the_table_says(process: Process, services: dict[str, Any]) -> None:
    waits = services[process.name].get("depends_on", {})
    conditions = {"setup": "service_completed_successfully"}
    for name in process.depends:
        assert waits[name]["condition"] == conditions.get(name, "service_healthy")
    # Beyond the table only the container whose network it shares.
    assert set(waits) - set(process.depends) <= {"gateway"}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_process_gets_the_variables_that_run_gives(process: Process, services: dict[str, Any]) -> None:
    env = child_env(read_options({"GATEHOUSE_HOME": HOME}), "postgresql://", "redis://", environ={})
    given = {name for name in env if name.startswith("GATEHOUSE_")}
    given |= {"DATABASE_URL", "REDIS_URL", "TZ", "GATEHOUSE_DEMO_UPSTREAM_URL", "GATEHOUSE_DEMO_MODEL_URL"}
    found = services[process.name]["environment"]
    assert given - set(found) == set()
    assert found["GATEHOUSE_DEMO_UPSTREAM_URL"] == f"http://upstream:{WORDS['upstream_port']}"
    assert found["GATEHOUSE_DEMO_MODEL_URL"] == f"http://model:{WORDS['model_port']}"


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_process_is_stopped_with_the_table_s_signal_and_time(process: Process, services: dict[str, Any]) -> None:
    service = services[process.name]
    assert service.get("stop_signal", "SIGTERM") == process.stop_signal.name
    # The engine's default is 10 s.
    assert float(service.get("stop_grace_period", "10s").removesuffix("s")) >= process.stop_seconds


def test_setup_runs_the_steps_in_order(services: dict[str, Any]) -> None:
    steps = [" ".join(fill(word, WORDS) for word in step.argv) for step in STEPS]
    assert services["setup"]["command"] == ["sh", "-c", " && ".join(["python -m supervisor master-key", *steps])]


def test_the_stores_are_postgresql_18_and_valkey_9(services: dict[str, Any]) -> None:
    assert services["postgres"]["image"] == "postgres:18"
    assert services["valkey"]["image"] == "valkey/valkey:9"


def test_valkey_keeps_what_the_embedded_one_keeps(services: dict[str, Any], tmp_path: Path) -> None:
    store = Valkey(Server(Path("valkey-server"), (9, 1), "wheel"), tmp_path / "valkey", 1, "secret")
    store.prepare()
    settings = dict(line.split(" ", 1) for line in store.settings_file.read_text().splitlines())
    words = services["valkey"]["command"][1:]
    flags = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    for name in ("appendonly", "maxmemory-policy"):
        assert flags[name] == settings[name]


def test_the_stop_order_names_every_process_once() -> None:
    assert sorted(STOP_ORDER) == sorted([*(process.name for process in PROCESSES), "postgres", "valkey"])


def test_the_image_s_own_command_is_the_console() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("CMD ")).removeprefix("CMD ")
    web = next(process for process in PROCESSES if process.name == "web")
    assert json.loads(command) == [fill(word, WORDS) for word in web.argv]
