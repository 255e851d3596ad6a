"""Raw bytes against the shipped listener: whatever could hide a second request ends with the connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, read_all, world

HIDDEN = b"GET /pay/orders/v1/smuggled HTTP/1.1\r\nHost: gw\r\n\r\n"
START = "POST /pay/orders/v1/x HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\n"


@pytest.fixture(scope="module")
def worker(service: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp("raw")
    made = Worker(home)
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def send(worker: Worker, text: str, rest: bytes = b"") -> bytes:
    return worker.raw(text.replace("{key}", worker.key).encode("latin-1") + rest)


def smuggled(service: Upstream) -> list[str]:
    return [seen.target for seen in service.seen if "smuggled" in seen.target]


@pytest.mark.parametrize(
    "head",
    [
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n", "X: y\rTransfer-Encoding: chunked\r\n", "Content-Length: 1,1\r\n",
        "Content-Length: -1\r\n", "Content-Length: 0x5\r\n", "Content-Length: 5 5\r\n", "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n", "Content-Length: 5\r\ncontent-length: 5\r\n",
        "Content-Length: 5\nContent-Length: 6\r\n", "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Host: other\r\n", "X-A: b\x01c\r\n", "X\x00: b\r\n",
        "X-A : b\r\n", ": empty\r\n", "X-A: b\x7fc\r\n",
    ],
)  # fmt: skip
def test_an_ambiguous_head_is_refused_once_and_nothing_behind_it_is_read(worker, service, head):
    answer = send(worker, START + head + "\r\n", b"0\r\n\r\n" + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer
    assert smuggled(service) == []


@pytest.mark.parametrize(
    "body",
    [
        b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-1\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n",
        b"5\r\nhelloo\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5 \r\r\nhello\r\n0\r\n\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_a_chunk_that_could_be_read_in_two_ways_ends_the_call_and_the_connection(worker, service, body):
    answer = send(worker, START + "Transfer-Encoding: chunked\r\n\r\n", body + HIDDEN)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert not answer.startswith(b"HTTP/1.1 200 ")
    assert smuggled(service) == []


def test_chunk_extensions_and_trailers_go_no_further(worker, service):
    number = len(service.seen)
    head = START + "Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
    answer = send(worker, head, b"5;a=b\r\nhello\r\n0\r\nX-T: evil\r\nX-Api-Key: evil\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    seen = service.wait_for(number)
    assert (seen.body, seen.header("x-t"), seen.header("trailer")) == (b"hello", None, None)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /pay/orders/v1/x", b""), ("GET /pay/orders/v1/x HTTP/0.9", b"505"),
        ("GET /pay/orders/v1/x HTTP/2.0", b"505"),
        ("GET /pay/orders/v1/x HTTP/1.2", b"505"),
        ("GET /pay/orders/v1/x y HTTP/1.1", b"400"), ("get /pay/orders/v1/x HTTP/1.1", b"501"),
        ("BREW /pay/orders/v1/x HTTP/1.1", b"501"), ("CONNECT gw:443 HTTP/1.1", b"501"),
        ("GET pay/orders/v1/x HTTP/1.1", b"400"), ("GET /pay/\xe9 HTTP/1.1", b"400"), ("GET /pay#x HTTP/1.1", b"400"),
        ("PRI * HTTP/2.0", b""),
    ],
)  # fmt: skip
def test_a_request_line_of_another_protocol_is_refused(worker, service, line, status):
    answer = send(worker, f"{line}\r\nHost: gw\r\nx-api-key: {{key}}\r\n\r\n", HIDDEN)
    assert not answer.startswith(b"HTTP/1.1 2")
    assert answer.count(b"x-request-id: ") <= 1
    if status:
        assert answer.split(b" ")[1] in (status, b"400", b"404")
    assert smuggled(service) == []


def test_the_absolute_form_is_taken_by_its_path(worker):
    head = "GET http://other/pay/orders/v1/x?q=1 HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nx-api-key: {key}\r\n\r\n"
    assert b'"target": "/x?q=1"' in send(worker, head)


def test_an_unknown_expectation_is_a_417_and_the_body_is_not_waited_for(worker, service):
    number = len(service.seen)
    answer = send(worker, START + "Expect: 200-ok\r\nContent-Length: 5\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 417 ")
    assert len(service.seen) == number


def test_after_connection_close_nothing_more_is_answered(worker, service):
    answer = send(worker, START + "Connection: close\r\nContent-Length: 0\r\n\r\n", HIDDEN)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert smuggled(service) == []


def test_a_bad_request_behind_a_good_one_does_not_spoil_its_answer(worker):
    good = "GET /pay/orders/v1/stream HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\n\r\n"
    answer = send(worker, good + "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"data: ") == 5


def test_an_upgrade_is_served_as_the_plain_request_it_is(worker):
    head = (
        "GET /pay/orders/v1/x HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    )
    answer = send(worker, head, HIDDEN)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_head_that_comes_byte_by_byte_is_served(worker):
    with socket.create_connection(("127.0.0.1", worker.port), timeout=10) as connection:
        head = f"GET /pay/orders/v1/x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nx-api-key: {worker.key}\r\n\r\n"
        for byte in head.encode():
            connection.sendall(bytes([byte]))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
@pytest.mark.parametrize("start", [b"", b"GET /pay/orders/v1/x HTTP/1.1\r\nHost: g"])
def test_a_silent_connection_and_an_endless_head_are_ended(worker, start):
    with socket.create_connection(("127.0.0.1", worker.port), timeout=30) as connection:
        connection.sendall(start)
        began = time.monotonic()
        answer = read_all(connection)
    assert time.monotonic() - began < 20
    assert answer == b"" if not start else answer.startswith(b"HTTP/1.1 408 ")
