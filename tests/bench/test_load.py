"""The load generator against the bench's own upstream: what it counts is what was sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.measures import chat_body
from bench.processes import LOAD_CORE, Process, wait_for
from supervisor.ports import free_port
from tests.gateway.worker import ROOT

ENV = {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    process = Process([sys.executable, "-m", "bench.upstream", port], core=0, log=tmp_path / "log", env=ENV)
    wait_for(lambda: load(port, kind="rate", rate=1, seconds=1)["failed"] == 0, 20, "the upstream")
    yield port
    process.stop()
    assert not process.is_running


def load(port: int, **job: Any) -> dict[str, Any]:
    known = {"host": "127.0.0.1", "port": port, "path": "/v1/chat/completions", "headers": {}}
    known["body"] = chat_body("bench", is_stream=job["kind"] == "streams")
    argv = [sys.executable, "-m", "bench.load", json.dumps({**known, **job})]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=ENV)
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {"failed": 1}
    return found


def test_calls_at_a_rate_and_streams_are_counted_whole(upstream: int):
    calls = load(upstream, kind="rate", rate=100, seconds=1)
    assert (calls["calls"], calls["failed"]) == (100, 0)
    found = load(upstream, kind="streams", streams=5, seconds=1)
    assert found["streams"] >= 5
    assert (found["failed"], found["lost"], found["repeated"], found["unfinished"]) == (0, 0, 0, 0)
    assert found["firsts"] == found["streams"]


def test_a_chat_body_is_a_kilobyte():
    assert len(chat_body("bench/bench")) == 1024
    assert LOAD_CORE != 0
