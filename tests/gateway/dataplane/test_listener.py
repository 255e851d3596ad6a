"""The shipped listener over raw sockets: what two parsers could read differently is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, world


@pytest.fixture(scope="module")
def worker(service: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp("listener")
    made = Worker(home)
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def ask(worker: Worker, head: str, body: bytes = b"") -> bytes:
    """Send a request to the published API, its head as written, and return all that comes back."""
    filled = head.replace("{key}", worker.key).replace("\n", "\r\n").encode("latin-1")
    return worker.raw(filled + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            "POST /pay/orders/v1/x HTTP/1.1\nHost: gw\nContent-Length: 4\nTransfer-Encoding: chunked", id="both"
        ),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1", id="no-host"),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nHost: other", id="two-hosts"),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nX-A: one\n two", id="obs-fold"),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nContent-Length: 1\nContent-Length: 2", id="two-lengths"),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nContent-Length: +1", id="signed-length"),
        pytest.param("GET /pay/orders/v1/x HTTP/2.0\nHost: gw", id="http-2"),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nX A: b", id="space-in-name"),
        pytest.param("GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nX-A: b\x00c", id="nul-in-value"),
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_400_and_the_connection_closes(
    worker: Worker, service: Upstream, head: str
) -> None:
    before = len(service.seen)
    answer = ask(
        worker, head + "\nx-api-key: {key}", b"0\r\n\r\nGET /pay/orders/v1/smuggled HTTP/1.1\r\nHost: gw\r\n\r\n"
    )
    assert answer.split(b" ")[1] in (b"400", b"505")
    assert answer.count(b"x-request-id: ") == 1
    assert len(service.seen) == before


def test_a_bare_line_feed_is_no_line_end(worker: Worker, service: Upstream) -> None:
    before = len(service.seen)
    answer = worker.raw(b"GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nx-api-key: " + worker.key.encode() + b"\n\n")
    assert answer.split(b" ")[1] == b"400"
    assert len(service.seen) == before


def test_a_head_over_the_limit_is_refused(worker: Worker) -> None:
    answer = ask(worker, "GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nX-Long: " + "a" * 80_000)
    assert answer.split(b" ")[1] == b"431"


def test_a_newline_in_a_header_reaches_no_upstream(worker: Worker, service: Upstream) -> None:
    answer = ask(
        worker, "GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nConnection: close\nx-api-key: {key}\nX-A: b%0d%0aX-Evil: 1"
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert "x-evil" not in service.seen[-1].names()


def test_a_refusal_carries_one_content_length(worker: Worker) -> None:
    answer = ask(worker, "GET /pay/orders/v1/x HTTP/1.1\nHost: gw\nConnection: close")
    assert answer.startswith(b"HTTP/1.1 401")
    assert answer.lower().count(b"content-length:") == 1


def test_two_pipelined_requests_get_their_answers_in_order(worker: Worker) -> None:
    one = "GET /pay/orders/v1/first HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\n\r\n"
    two = "GET /pay/orders/v1/second HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\nConnection: close\r\n\r\n"
    answer = worker.raw((one + two).replace("{key}", worker.key).encode())
    assert answer.index(b"/first") < answer.index(b"/second")
