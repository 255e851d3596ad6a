"""What a worker does when the machine under it misbehaves: a full disk, a clock set back, callers that do not read."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import redis

from gateway.dataplane.records import LimitRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import ROOT, Worker, change, credential, plan, subscription, world

MOUNT = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'
# Read by every Python at its start: moves the clock by the seconds that stand in a file.
SHIFT = """
import os, time
real = time.time
def shifted():
    with open(os.environ["SHIFT_FILE"]) as file:
        return real() + float(file.read() or 0)
time.time = shifted
"""


def call(worker: Worker, path: str = "/echo", **more) -> httpx.Response:
    headers = {"x-api-key": worker.key}
    return httpx.request(
        more.pop("method", "GET"), f"{worker.url}/pay/orders/v1{path}", headers=headers, trust_env=False, **more
    )


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  any other failure is another test


def can_mount() -> bool:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_mount(), reason="this machine lets nobody mount a small disk of its own")
def test_a_full_disk_refuses_calls_until_there_is_room_and_every_answered_one_is_recorded(service, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    worker = Worker(tmp_path, wrapper=["unshare", "-rm", "sh", "-c", MOUNT, str(spool)])
    inside = Path(f"/proc/{worker.process.pid}/root{spool}")
    try:
        worker.load(world(worker.key, service.url))
        assert call(worker).status_code == 200
        balloon = inside / "balloon"
        fill(balloon)
        answers = [call(worker) for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert (refused[-1].json()["code"], refused[-1].json()["fault"]) == ("spool-full", "gateway")
        # A short record may still fit: the worker is ready again until the next call.
        until = time.monotonic() + 10
        while httpx.get(f"{worker.url}/readyz", trust_env=False).status_code != 503:
            assert time.monotonic() < until, "the disk is full and the worker says that it is ready"
            call(worker)
        balloon.unlink()
        until = time.monotonic() + 10
        while call(worker).status_code != 200:
            assert time.monotonic() < until, "the disk has room and calls are refused"
            time.sleep(0.1)
        assert httpx.get(f"{worker.url}/readyz", trust_env=False).status_code == 200
        worker.home = Path(f"/proc/{worker.process.pid}/root{tmp_path}")
        recorded = {record["id"] for record in worker.records() if record["type"] == "finished"}
        assert {answer.headers["x-request-id"] for answer in answers if answer.status_code == 200} <= recorded
    finally:
        worker.stop()


def test_a_clock_set_back_an_hour_opens_no_window_and_loses_no_call(service, tmp_path):
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(SHIFT)
    shift = hook / "shift"
    shift.write_text("0")
    url = os.environ["REDIS_URL"]
    worker = Worker(tmp_path, PYTHONPATH=f"{hook}:{ROOT}", SHIFT_FILE=str(shift), REDIS_URL=url)
    limits = (
        LimitRecord(uuid4().hex, 6, 86_400),
        LimitRecord(uuid4().hex, 6, 86_400, calendar="day", time_zone="Asia/Tokyo"),
    )
    try:
        expiring = credential(worker.key, expires_at=time.time() + 1800)
        changes = [*world(worker.key, service.url), change("credential", "key_1", expiring)]
        closed = plan(limits=limits, on_store_error="closed")
        worker.load([*changes, change("plan", "plan_free", closed), change("subscription", "sub_1", subscription())])
        with redis.Redis.from_url(url) as store:
            store.ping()
        answers = []
        for seconds in ("0", "-3600", "0"):
            shift.write_text(seconds)
            answers += [call(worker) for _ in range(4)]
        statuses = [answer.status_code for answer in answers if answer.status_code != 503]
        assert statuses.count(200) == 6 or len(statuses) < 12
        assert statuses == sorted(statuses)
        ids = {answer.headers["x-request-id"] for answer in answers}
        recorded = {record["id"]: record for record in worker.records() if record["type"] == "finished"}
        assert ids <= set(recorded)
        assert all(record["total_ms"] >= 0 for record in recorded.values())
        # The key's time is judged by the clock of the call.
        shift.write_text("3600")
        assert call(worker).json()["code"] == "key-expired"
    finally:
        assert worker.stop() == 0


def resident_mb(worker: Worker) -> float:
    pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# What ten callers that do not read may cost. Beneath httpx stands anyio, which libuv hands up to 32 pieces in a row
# before a pause takes effect: 4 to 8 MB a connection.
HELD_MB = {"asyncio": 60, "httpx": 150}


@pytest.fixture(params=HELD_MB)
def big(request, service: Upstream, tmp_path: Path):
    worker = Worker(tmp_path, GATEHOUSE_UPSTREAM_CLIENT=request.param)
    worker.load(world(worker.key, service.url, max_body_bytes=32 << 20))
    yield worker
    assert worker.stop() == 0


def test_callers_that_do_not_read_cost_little_memory(request, big: Worker, service: Upstream):
    call(big)
    before, number = resident_mb(big), len(service.seen)
    connections = []
    try:
        for _ in range(10):
            connection = socket.create_connection(("127.0.0.1", big.port), timeout=10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            connection.sendall(f"GET /pay/orders/v1/huge HTTP/1.1\r\nHost: gw\r\nx-api-key: {big.key}\r\n\r\n".encode())
            connections.append(connection)
        service.wait_for(number + 9)
        time.sleep(1)
        # Ten answers of 50 MB: nothing like it is held anywhere.
        assert resident_mb(big) - before < HELD_MB[request.node.callspec.params["big"]]
        assert all(seen.chunks_sent < 400 for seen in service.seen[number:])
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("is_declared", [True, False])
def test_bodies_of_every_size_arrive_whole_both_ways(big: Worker, service: Upstream, is_declared: bool):
    for size in (1, 1024, 65_535, 65_536, 65_537, 262_145, 1 << 20, 10 << 20):
        body = os.urandom(size)
        pieces = body if is_declared else (body[at : at + 50_000] for at in range(0, size, 50_000))
        answer = call(big, method="POST", content=pieces, timeout=30)
        assert answer.status_code == 200
        assert hashlib.sha256(service.seen[-1].body).digest() == hashlib.sha256(body).digest(), size
