"""The access log of a real worker: one line a call, and nothing in it that must not be."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from gateway.dataplane.access_log import _as_text
from tests.gateway import worker as workers
from tests.gateway.worker import Worker, world


@pytest.fixture
def started(upstream, tmp_path: Path, monkeypatch):
    """Return what starts a worker whose standard output is a file."""
    out = (tmp_path / "out").open("ab")
    real = subprocess.Popen
    monkeypatch.setattr(workers.subprocess, "Popen", lambda *a, **k: real(*a, **{**k, "stdout": out}))
    made: list[Worker] = []

    def start(**environment: str) -> Worker:
        made.append(Worker(tmp_path, **environment))
        made[-1].load(world(made[-1].key, upstream.url))
        return made[-1]

    yield start
    for worker in made:
        worker.stop()
    out.close()


def lines(folder: Path, number: int) -> list[str]:
    until = time.monotonic() + 5
    while True:
        found = (folder / "out").read_text().splitlines()
        if len(found) >= number or time.monotonic() > until:
            return found
        time.sleep(0.05)


@pytest.mark.parametrize("form", ["json", "text"])
def test_each_call_is_a_line_without_key_query_or_body(started, tmp_path, form):
    worker = started(GATEHOUSE_ACCESS_LOG=form)
    headers = {"x-api-key": worker.key}
    url = f"{worker.url}/pay/orders/v1/echo?secret=query"
    answer = httpx.post(url, headers=headers, content=b"secret body", trust_env=False)
    httpx.get(f"{worker.url}/pay/orders/v1/echo", trust_env=False)
    served, refused = lines(tmp_path, 2)
    assert not any(word in served + refused for word in (worker.key, "secret"))
    assert answer.headers["x-request-id"] in served
    if form == "json":
        found = json.loads(served)
        assert (found["path"], found["status"], found["version"]) == ("/pay/orders/v1/echo", 200, "ver_1")
        assert found["bytes_in"] == len(b"secret body")
        assert json.loads(refused)["code"] == "key-missing"
    else:
        assert " path=/pay/orders/v1/echo status=200 " in served
        assert " code=key-missing fault=caller " in refused


def test_it_is_off_and_the_overhead_told_unless_said_otherwise(started, tmp_path):
    worker = started()
    answer = httpx.get(f"{worker.url}/pay/orders/v1/echo", headers={"x-api-key": worker.key}, trust_env=False)
    assert "gatehouse-overhead-ms" in answer.headers
    worker.stop()
    assert os.path.getsize(tmp_path / "out") == 0


def test_the_overhead_header_can_be_left_out(started):
    worker = started(GATEHOUSE_OVERHEAD_HEADER="0")
    answer = httpx.get(f"{worker.url}/pay/orders/v1/echo", headers={"x-api-key": worker.key}, trust_env=False)
    assert "gatehouse-overhead-ms" not in answer.headers


def test_a_value_cannot_begin_a_pair_or_a_line_of_its_own():
    text = _as_text({"at": 0.0, "path": '/a" status=200\nat=1', "status": 404}).decode()
    assert text.count("\n") == 1
    assert text.endswith('path="/a\\" status=200\\nat=1" status=404\n')
