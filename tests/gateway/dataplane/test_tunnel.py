"""WebSockets through a real worker, by a real client to a real server, over both upstream clients."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Thread

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, credential, world


def answer(connection: ServerConnection) -> None:
    """Send back what comes; `bye` ends it, `path` tells what the server was asked for."""
    request = connection.request
    assert request is not None
    with suppress(ConnectionClosed):
        for message in connection:
            if message == "bye":
                return
            connection.send(f"{request.path} {request.headers.get('x-api-key')}" if message == "path" else message)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve(answer, "127.0.0.1", 0, max_size=None) as made:
        thread = Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.socket.getsockname()[1]}"
        made.shutdown()
    thread.join(5)


@pytest.fixture(scope="module", params=["asyncio", "httpx"])
def worker(request, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("tunnel"), GATEHOUSE_UPSTREAM_CLIENT=request.param)
    made.load(world(made.key, server, total_seconds=1.5))
    yield made
    assert made.stop() == 0


def opened(worker: Worker, path: str = "/chat?room=1", key: str = "") -> ClientConnection:
    url = f"ws://127.0.0.1:{worker.port}/pay/orders/v1{path}"
    return connect(url, additional_headers={"x-api-key": key or worker.key}, proxy=None, max_size=None)


def finished(worker: Worker, number: int) -> dict:
    """Return the outcome of the call with this number, from 0, once it stands in the spool."""
    until = time.monotonic() + 5
    while True:
        ends = [record for record in worker.records() if record["type"] == "finished"]
        if len(ends) > number:
            return ends[number]
        assert time.monotonic() < until, f"{len(ends)} calls ended"
        time.sleep(0.02)


def count(worker: Worker) -> int:
    return sum(record["type"] == "finished" for record in worker.records())


def test_messages_pass_both_ways_and_the_key_stays_here(worker: Worker) -> None:
    number = count(worker)
    with opened(worker) as socket:
        for message in ("hello", b"\x00\xff", os.urandom(300_000), "path"):
            socket.send(message)
            echo = socket.recv(timeout=5)
            assert echo == ("/chat?room=1 None" if message == "path" else message)
    record = finished(worker, number)
    assert (record["status"], record["upstream_status"], record["code"]) == (101, 101, "")
    assert not record["is_client_gone"]
    assert record["request_bytes"] > 300_000
    assert record["response_bytes"] > 300_000


def test_the_upstreams_end_is_the_callers(worker: Worker) -> None:
    with opened(worker) as socket:
        socket.send("bye")
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=5)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1000


def test_a_wrong_key_is_a_401_and_no_socket(worker: Worker) -> None:
    with pytest.raises(InvalidStatus) as caught:
        opened(worker, key="gh_live_wrong")
    assert caught.value.response.status_code == 401


def test_an_upstream_that_does_not_change_the_protocol_is_relayed(worker: Worker, service: Upstream, server) -> None:
    worker.load(world(worker.key, service.url), generation=2)
    try:
        with pytest.raises(InvalidStatus) as caught:
            opened(worker)
        assert caught.value.response.status_code == 200
        assert service.seen[-1].header("upgrade") == "websocket"
    finally:
        worker.load(world(worker.key, server, total_seconds=1.5), generation=3)


def test_a_silent_socket_ends_and_a_talking_one_outlives_the_total_time(worker: Worker) -> None:
    with opened(worker) as socket:
        for _ in range(5):
            time.sleep(0.5)
            socket.send("still here")
            assert socket.recv(timeout=5) == "still here"
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)
        assert time.monotonic() - began > 1


def test_a_revoked_key_ends_its_socket_at_the_next_message(worker: Worker, server: str) -> None:
    number = count(worker)
    with opened(worker) as socket:
        socket.send("hello")
        assert socket.recv(timeout=5) == "hello"
        revoked = credential(worker.key, revoked_at=time.time() - 1)
        worker.delta([change("credential", "key_1", revoked)], generation=4)
        with suppress(ConnectionClosed):
            socket.send("again")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)
    assert finished(worker, number)["code"] == "key-revoked"
    worker.load(world(worker.key, server, total_seconds=1.5), generation=5)


def test_a_caller_that_is_cut_off_ends_the_upstreams_side(worker: Worker) -> None:
    number = count(worker)
    with opened(worker) as socket:
        socket.send("hello")
        socket.recv(timeout=5)
        socket.socket.shutdown(SHUT_RDWR)
    assert finished(worker, number)["status"] == 101
