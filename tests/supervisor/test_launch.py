"""Whole starts over a small table of real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.orphans import born
from supervisor.ports import free_port, is_free

PLATFORM = Path(__file__).parents[2] / "platform"
# What stands for the product's seed; by environment, since braces in a command line are words to fill in.
SEED = """
import json, os, pathlib
home = pathlib.Path(os.environ["GATEHOUSE_HOME"])
person = {"username": "a@b", "password": "p"}
examples = [{"title": "hello", "curl": "curl {gateway_url}/x -d '{}' -H 'x-api-key: {api_key}'"}]
(home / "secrets" / "demo.json").write_text(json.dumps(
    {"admin": person, "developer": person, "api_token": "t", "api_key": "k", "examples": examples}))
"""
# A start with our own supervisor over other processes: one that serves, one that only touches its file.
SCRIPT = """
import os, sys
from pathlib import Path
from supervisor.__main__ import main
from supervisor import launch
from supervisor.errors import SupervisorError
from supervisor.options import read_options
from supervisor.table import Probe, Process, Step

SEED = "import os; exec(os.environ['GATEHOUSE_TEST_SEED'])"
FILE = "import os, pathlib, time; pathlib.Path(os.environ['MARK']).touch(); time.sleep(600)"
SERVER = '''
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
PROCESSES = (
    Process("web", ("{python}", "-c", SERVER, "{console_port}"), Probe(url="http://{probe_host}:{console_port}/livez"),
            depends=("setup",)),
    Process("worker", ("{python}", "-c", FILE), Probe(file="{home}/run/worker.ready"),
            env={"MARK": "{home}/run/worker.ready"}, depends=("setup",)),
)
try:
    options = read_options(os.environ, has_model=False)
    steps = (Step("seed_demo", ("{python}", "-c", SEED), "seeding"),)
    sys.exit(launch.Launch(options, processes=PROCESSES, steps=steps).run())
except SupervisorError as error:
    sys.exit(f"{error.problem} {error.remedy}")
"""


class Start:
    """One started supervisor and where it lives."""

    def __init__(self, home: Path, console_port: int) -> None:
        self.home = home
        self.ready = home / "ready.json"
        self.console_port = console_port
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env={
                "PATH": os.defpath,
                "PYTHONPATH": str(PLATFORM),
                "GATEHOUSE_HOME": str(home),
                "GATEHOUSE_STORES": "wheel",
                "GATEHOUSE_TEST_SEED": SEED,
                "GATEHOUSE_CONSOLE_PORT": str(console_port),
                "GATEHOUSE_GATEWAY_PORT": str(free_port()),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self.end())
            time.sleep(0.02)

    def wait_until_ready(self) -> None:
        self.wait_for(self.ready.exists)

    def children(self) -> dict[str, int]:
        return {child["name"]: child["pid"] for child in json.loads((self.home / "run" / "children.json").read_text())}

    def end(self, by: signal.Signals = signal.SIGTERM) -> str:
        if self.process.poll() is None:
            self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=30)
        return output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home with spaces"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Start]]:
    started: list[Start] = []

    def begin(console_port: int | None = None) -> Start:
        started.append(Start(home, console_port or free_port()))
        return started[-1]

    yield begin
    for one in started:
        one.end(signal.SIGTERM)


def test_ready_json_lives_as_long_as_the_product(start: Callable[[], Start]) -> None:
    running = start()
    running.wait_until_ready()
    content = json.loads(running.ready.read_text())
    assert list(content) == [
        "console_url",
        "gateway_url",
        "admin",
        "developer",
        "api_token",
        "api_key",
        "examples",
    ]
    assert content["examples"][0]["curl"] == f"curl {content['gateway_url']}/x -d '{{}}' -H 'x-api-key: k'"
    assert running.ready.stat().st_mode & 0o777 == 0o600
    children = running.children()
    assert list(children) == ["valkey", "postgres", "web", "worker"]
    output = running.end(signal.SIGINT)
    assert running.process.returncode == 0
    assert "stopped" in output
    assert "had to be killed" not in output
    assert not running.ready.exists()
    assert [name for name, pid in children.items() if born(pid)] == []


def test_a_second_start_continues_and_seeds_once(start: Callable[[], Start]) -> None:
    first = start()
    first.wait_until_ready()
    seeded = (first.home / "secrets" / "demo.json").stat().st_mtime_ns
    password = (first.home / "secrets" / "postgres.password").read_text()
    first.end()
    second = start()
    second.wait_until_ready()
    assert (second.home / "secrets" / "demo.json").stat().st_mtime_ns == seeded
    assert (second.home / "secrets" / "postgres.password").read_text() == password


def test_a_killed_supervisor_leaves_nothing_that_blocks_the_next(start: Callable[[], Start]) -> None:
    first = start()
    first.wait_until_ready()
    first.process.kill()
    first.process.communicate()
    second = start()
    second.wait_for(lambda: second.ready.exists() and second.children()["web"] > 0 and born(second.children()["web"]))
    assert second.process.poll() is None


def test_orphans_that_outlived_the_supervisor_are_stopped(start: Callable[[], Start], home: Path) -> None:
    (home / "run").mkdir(parents=True)
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    known = {"stop_signal": int(signal.SIGTERM)}
    remembered = [
        {"name": "web", "pid": orphan.pid, "born": born(orphan.pid), **known},
        # The same pid, another birth: somebody else's process by now.
        {"name": "worker", "pid": bystander.pid, "born": "1", **known},
    ]
    (home / "run" / "children.json").write_text(json.dumps(remembered))
    running = start()
    try:
        assert orphan.wait(20) == -signal.SIGTERM
        running.wait_until_ready()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert "stopped what an earlier run left behind: web" in running.end()


def test_a_second_supervisor_on_the_same_home_is_refused(start: Callable[[], Start]) -> None:
    first = start()
    first.wait_until_ready()
    second = start()
    output, _ = second.process.communicate(timeout=30)
    assert second.process.returncode == 1
    assert f"already running on {first.home} (process {first.process.pid})" in output
    assert first.ready.exists()


def test_a_taken_port_is_told_with_its_setting(start: Callable[[int], Start], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start(port)
        output, _ = running.process.communicate(timeout=30)
    assert running.process.returncode == 1
    assert re.search(rf"Port {port} on 127.0.0.1 is taken.*GATEHOUSE_CONSOLE_PORT=\d+", output)


def test_a_process_that_ends_is_started_again(start: Callable[[], Start]) -> None:
    running = start()
    running.wait_until_ready()
    for name in ("web", "postgres", "valkey"):
        old = running.children()[name]
        os.kill(old, signal.SIGKILL)
        running.wait_for(lambda name=name, old=old: running.children()[name] != old)
    running.wait_for(lambda: not is_free(running.console_port))
    assert "web: ended (exit -9), starts again" in running.end()
