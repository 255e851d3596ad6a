"""The relay through the shipped worker to a real upstream, once with each upstream client."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.dataplane.records import UpstreamRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, read_all, route, subscription, world

BASE = "/pay/orders/v1"
UPSTREAM_SECONDS = {"connect_seconds": 1.0, "first_byte_seconds": 0.5, "between_chunks_seconds": 0.5}


@pytest.fixture(scope="module", params=["asyncio", "httpx"])
def worker(request, service: Upstream, tmp_path_factory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp(request.param)
    made = Worker(home, GATEHOUSE_UPSTREAM_CLIENT=request.param)
    changes = world(
        made.key, service.url + "/", headers=(("X-Fixed", "ours"),), max_body_bytes=200_000, **UPSTREAM_SECONDS
    )
    made.load(changes)
    yield made
    assert made.stop() == 0


@pytest.fixture
def client(worker: Worker) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=worker.url + BASE, headers={"Authorization": f"Bearer {worker.key}"}, timeout=10, trust_env=False
    ) as made:
        yield made


def fresh(worker: Worker, service: Upstream, version: str, **fields) -> None:
    """Point another version at another upstream, with its own subscription."""
    generation = 1000 + int(time.monotonic() * 1000) % 100_000
    worker.delta(
        [
            change("route", version, route(version, version=version)),
            change("upstream", version, UpstreamRecord(**{"base_url": service.url, **UPSTREAM_SECONDS, **fields})),
            change("subscription", f"sub_{version}", subscription(version)),
        ],
        generation,
    )


def raw_call(worker: Worker, path: str, extra: str = "", method: str = "GET") -> bytes:
    head = f"{method} {BASE}{path} HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nx-api-key: {worker.key}\r\n{extra}\r\n"
    return worker.raw(head.encode())


def test_the_raw_path_and_query_reach_the_upstream_as_they_came(client, service) -> None:
    answer = client.get("/echo/a%2Fb%20c?x=%2F&y=1&y=2")
    assert answer.json()["target"] == "/echo/a%2Fb%20c?x=%2F&y=1&y=2"


def test_fields_of_this_hop_and_our_key_stay_here_and_our_own_are_set(worker, client, service) -> None:
    number = len(service.seen)
    client.get(
        "/echo",
        headers={
            "Connection": "keep-alive, X-Named",
            "X-Named": "1",
            "Keep-Alive": "timeout=5",
            "TE": "trailers",
            "Proxy-Authorization": "Basic eA==",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-User": "admin",
            "Forwarded": "for=6.6.6.6",
            "X-Real-Ip": "6.6.6.6",
            "X-Fixed": "theirs",
            "X-Request-Id": "mine",
            "X-Api-Key": "gh_live_malformed",
            "Via": "1.0 fred",
            "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        },
    )
    seen = service.wait_for(number)
    gone = {"connection", "x-named", "keep-alive", "te", "proxy-authorization", "forwarded", "x-real-ip",
            "authorization", "x-api-key", "x-forwarded-user"}  # fmt: skip
    # A client may say `Connection` for its own hop.
    assert not (gone - {"connection"}) & seen.names()
    assert seen.header("x-forwarded-for") == "127.0.0.1"
    assert seen.header("x-forwarded-host") == f"127.0.0.1:{worker.port}"
    assert seen.header("x-forwarded-proto") == "http"
    assert seen.header("host") == f"127.0.0.1:{service.port}"
    assert [value for name, value in seen.headers if name.lower() == "x-fixed"] == ["ours"]
    assert seen.header("via").startswith("1.0 fred, 1.1 gatehouse-")
    assert seen.header("traceparent").startswith("00-4bf92f")
    assert seen.header("x-request-id") not in ("mine", None)


def test_an_authorization_meant_for_the_upstream_passes(worker, service) -> None:
    number = len(service.seen)
    headers = {"Authorization": "Bearer theirs", "x-api-key": worker.key}
    assert httpx.get(f"{worker.url}{BASE}/echo", headers=headers, trust_env=False).status_code == 200
    seen = service.wait_for(number)
    assert seen.header("authorization") == "Bearer theirs"
    assert seen.header("x-api-key") is None


def test_an_answer_keeps_its_repeated_fields_and_loses_those_of_the_hop(client) -> None:
    answer = client.get("/cookies")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-kept"] == "yes"
    assert answer.headers["link"] == '</other>; rel="next"'
    assert not {"x-hop", "keep-alive"} & set(answer.headers)
    assert answer.headers["via"].startswith("1.1 gatehouse-")
    assert answer.headers.get_list("x-request-id") != ["theirs"]
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert float(answer.headers["gatehouse-overhead-ms"]) > 0


@pytest.mark.parametrize(
    ("path", "status", "length"), [("/nothing", 204, None), ("/unchanged", 304, None), ("/empty", 200, "0")]
)
def test_an_answer_without_a_body_is_passed_on_without_one(client, path, status, length) -> None:
    for _ in range(2):
        answer = client.get(path)
        assert (answer.status_code, answer.content, answer.headers.get("content-length")) == (status, b"", length)
    assert "transfer-encoding" not in answer.headers


def test_head_keeps_the_length_and_has_no_body(client) -> None:
    for _ in range(2):
        answer = client.head("/echo")
        assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "1234")


def test_a_status_of_the_upstream_is_passed_on_whatever_it_is(client) -> None:
    answer = client.get("/teapot")
    assert (answer.status_code, answer.json()) == (418, {"short": "stout"})


def test_a_redirect_is_not_followed_and_an_encoding_not_decoded(client) -> None:
    answer = client.get("/redirect")
    assert (answer.status_code, answer.headers["location"]) == (302, "http://169.254.169.254/latest")
    with client.stream("GET", "/gzip") as encoded:
        assert b"".join(encoded.iter_raw()) == b"\x1f\x8b not really"


@pytest.mark.parametrize("size", [0, 1, 1024, 65_536, 65_537, 200_000])
def test_a_declared_body_arrives_whole(client, service, size) -> None:
    number = len(service.seen)
    answer = client.post("/echo", content=b"x" * size)
    assert answer.json()["length"] == size
    assert service.wait_for(number).header("content-length") == str(size)


def test_a_chunked_body_is_streamed_and_not_gathered(worker, client, service) -> None:
    number = len(service.seen)

    def body() -> Iterator[bytes]:
        yield b"x" * 100
        seen = service.wait_for(number)
        until = time.monotonic() + 5
        while not seen.first_body_at and time.monotonic() < until:
            time.sleep(0.01)
        assert seen.first_body_at, "the upstream saw nothing before the body was complete"
        yield b"y" * 100

    assert client.post("/echo", content=body()).json()["length"] == 200
    assert service.seen[number].header("transfer-encoding") == "chunked"


def test_a_large_answer_arrives_whole(client) -> None:
    assert len(client.get("/big").content) == 3_000_000


def test_a_streamed_answer_arrives_piece_by_piece(client) -> None:
    at = []
    with client.stream("GET", "/stream") as answer:
        for piece in answer.iter_raw():
            at.append((time.monotonic(), piece))
    assert b"".join(piece for _, piece in at).count(b"data:") == 5
    assert len(at) == 5
    assert at[-1][0] - at[0][0] > 0.25


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_body_over_the_limit_is_a_413(client, worker, is_declared) -> None:
    content = b"x" * 200_001 if is_declared else iter([b"x" * 100_000] * 3)
    answer = client.post("/echo", content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "200000 bytes" in answer.json()["detail"]
    # What was not read could be taken for the next request.
    assert answer.headers.get("connection") == "close" or not is_declared


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/garbage", 502, "upstream-invalid"),
        ("/reset", 502, "upstream-unreachable"),
        ("/slow", 504, "upstream-timeout"),
        ("/half", None, None),
    ],
)
def test_an_upstream_that_fails_before_its_answer_is_told_in_its_own_words(client, worker, path, status, code) -> None:
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(path)
        return
    answer = client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["fault"]) == (status, code, "upstream")
    assert problem["help"].endswith(f"/problems/{code}")
    record = worker.finished(problem["request_id"])
    assert (record["status"], record["code"], record["fault"], record["attempt"]) == (status, code, "upstream", 1)


def test_an_upstream_that_takes_no_connection_is_a_502(worker, service, client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    fresh(worker, service, "down", base_url=f"http://127.0.0.1:{port}")
    answer = client.get(f"{worker.url}/pay/orders/down/x")
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream-unreachable")


@pytest.mark.parametrize(
    "url", ["http://10.1.2.3", "http://169.254.169.254", "http://[fd00:ec2::254]", "http://[::1]:1"]
)
def test_an_upstream_at_a_forbidden_address_is_never_called(worker, service, client, url) -> None:
    fresh(worker, service, "inner", base_url=url)
    answer = client.get(f"{worker.url}/pay/orders/inner/x")
    assert (answer.status_code, answer.json()["code"], answer.json()["fault"]) == (502, "upstream-forbidden", "policy")


def test_an_upstream_is_found_by_name_and_keeps_its_host(worker, service, client) -> None:
    fresh(worker, service, "named", base_url=f"http://localhost:{service.port}/under")
    number = len(service.seen)
    assert client.get(f"{worker.url}/pay/orders/named/x").status_code in (200, 502)
    # Where localhost is also ::1, which is not in the setting, the name is refused whole.
    if len(service.seen) > number:
        assert service.seen[number].header("host") == f"localhost:{service.port}"
        assert service.seen[number].target == "/under/x"


@pytest.mark.parametrize("path", ["/halfchunk", "/half", "/stall"])
def test_an_answer_that_breaks_off_never_looks_complete(worker, path) -> None:
    data = raw_call(worker, path)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"abc" in data
    assert not data.endswith(b"0\r\n\r\n")
    call_id = data.split(b"x-request-id: ")[1].split(b"\r\n")[0].decode()
    record = worker.finished(call_id)
    assert record["code"] == ("upstream-timeout" if path == "/stall" else "upstream-unreachable")
    assert (record["status"], record["fault"]) == (200, "upstream")


def read_to_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_broken_answer_to_http_1_0_is_a_reset(worker) -> None:
    head = f"GET {BASE}/halfchunk HTTP/1.0\r\nx-api-key: {worker.key}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
        connection.sendall(head.encode())
        with pytest.raises(ConnectionResetError):
            read_to_end(connection)


def test_a_streamed_answer_to_http_1_0_ends_with_the_connection(worker) -> None:
    data = worker.raw(f"GET {BASE}/stream HTTP/1.0\r\nx-api-key: {worker.key}\r\n\r\n".encode())
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b"data: 0")
    assert body.count(b"data:") == 5


def test_a_caller_that_leaves_a_stream_ends_the_upstream_within_a_second(worker, service) -> None:
    number = len(service.seen)
    with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
        connection.sendall(f"GET {BASE}/endless HTTP/1.1\r\nHost: gw\r\nx-api-key: {worker.key}\r\n\r\n".encode())
        data = b""
        while data.count(b"tick") < 3:
            data += connection.recv(65536)
    left_at = time.monotonic()
    seen = service.wait_for(number)
    while not seen.closed_at:
        assert time.monotonic() < left_at + 5, "the upstream was not closed"
        time.sleep(0.01)
    assert seen.closed_at - left_at < 1.0
    call_id = data.split(b"x-request-id: ")[1].split(b"\r\n")[0].decode()
    record = worker.finished(call_id)
    assert record["is_client_gone"]
    assert record["response_bytes"] >= 3 * len("data: tick\n\n")


def test_a_caller_that_leaves_while_waiting_ends_the_upstream_within_a_second(worker, service, client) -> None:
    fresh(worker, service, "patient", first_byte_seconds=30.0)
    number = len(service.seen)
    with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
        head = f"GET /pay/orders/patient/slow HTTP/1.1\r\nHost: gw\r\nx-api-key: {worker.key}\r\n\r\n"
        connection.sendall(head.encode())
        seen = service.wait_for(number)
    left_at = time.monotonic()
    while not seen.closed_at:
        assert time.monotonic() < left_at + 5, "the upstream was not closed"
        time.sleep(0.01)
    assert seen.closed_at - left_at < 1.0


def test_a_caller_that_leaves_its_body_unfinished_is_not_completed_upstream(worker, service) -> None:
    number = len(service.seen)
    with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
        head = f"POST {BASE}/echo HTTP/1.1\r\nHost: gw\r\nx-api-key: {worker.key}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + b"5\r\nhello\r\n")
        seen = service.wait_for(number)
    until = time.monotonic() + 5
    while not seen.closed_at:
        assert time.monotonic() < until, "the upstream still waits for the rest"
        time.sleep(0.01)


def test_an_answer_has_its_two_records_before_its_last_byte(worker) -> None:
    data = raw_call(worker, "/echo")
    call_id = data.split(b"x-request-id: ")[1].split(b"\r\n")[0].decode()
    mine = [record for record in worker.records() if record["id"] == call_id]
    assert [record["type"] for record in mine] == ["started", "finished"]
    finished = mine[1]
    assert (finished["status"], finished["upstream_status"], finished["code"]) == (200, 200, "")
    assert (finished["subscription_id"], finished["credential_id"], finished["plan_id"]) == (
        "sub_1",
        "key_1",
        "plan_free",
    )
    assert finished["at"] == mine[0]["at"]
    assert finished["response_bytes"] == len(data.partition(b"\r\n\r\n")[2])


def test_connections_to_the_upstream_are_kept(client, service) -> None:
    client.get("/echo")
    before = service.connections
    for _ in range(10):
        client.get("/echo")
        client.get("/stream")
    assert service.connections - before <= 1


def test_a_call_that_comes_back_to_us_is_a_508(worker, client) -> None:
    via = client.get("/echo").headers["via"]
    answer = client.get("/echo", headers={"Via": f"1.1 other, {via}"})
    assert (answer.status_code, answer.json()["code"]) == (508, "loop-detected")


def test_100_continue_comes_after_the_refusals_and_before_the_body(worker, service) -> None:
    head = (
        f"POST {BASE}/echo HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
    )
    refused = worker.raw(f"{head}\r\n".encode())
    assert refused.startswith(b"HTTP/1.1 401")
    assert b"100 Continue" not in refused
    with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
        connection.sendall(f"{head}x-api-key: {worker.key}\r\n\r\n".encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        data = read_all(connection)
    assert data.startswith(b"HTTP/1.1 200")
    assert b'"length": 5' in data
    assert service.seen[-1].header("expect") is None


def test_a_connection_is_closed_when_the_body_it_announced_never_came(worker) -> None:
    head = f"POST {BASE}/echo HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
        connection.sendall(head.encode())
        data = connection.recv(65536)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: gw\r\n\r\n")
        data += read_all(connection)
    assert data.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in data


def test_the_earlier_of_two_sunsets_counts_and_links_are_joined(worker, service, client) -> None:
    worker.delta(
        [
            change(
                "route",
                "old",
                route("old", version="old", state="deprecated", deprecated_at=1e9, sunset_at=2e9, docs_url="http://d"),
            ),
            change("upstream", "old", UpstreamRecord(base_url=service.url, **UPSTREAM_SECONDS)),
            change("subscription", "sub_dep", subscription("old")),
        ],
        7,
    )
    answer = client.get(f"{worker.url}/pay/orders/old/cookies")
    assert answer.headers["deprecation"] == "@1000000000"
    assert answer.headers["sunset"] == "Wed, 18 May 2033 03:33:20 GMT"
    assert answer.headers.get_list("link") == [
        '</other>; rel="next"',
        '<http://d>; rel="deprecation"; type="text/html"',
    ]
    for refused in (client.get(f"{worker.url}/pay/orders/old/a/b/c/d"), httpx.get(f"{worker.url}/pay/orders/old/x")):
        assert refused.status_code in (404, 401)
        assert refused.headers["deprecation"] == "@1000000000"
    assert client.options(f"{worker.url}/pay/orders/old/x").headers["sunset"]
