"""Several targets behind a real worker: shares, repetitions, cool-downs, health, and what the ledger is told."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.dataplane.records import TargetRecord, UpstreamRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, route, subscription, world

QUICK = {"connect_seconds": 1.0, "first_byte_seconds": 1.0, "between_chunks_seconds": 1.0, "total_seconds": 8.0}


@pytest.fixture(scope="module", params=["asyncio", "httpx"])
def worker(request, tmp_path_factory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp(f"attempts-{request.param}")
    made = Worker(home, GATEHOUSE_UPSTREAM_CLIENT=request.param)
    made.load(world(made.key, "http://127.0.0.1:9"))
    yield made
    assert made.stop() == 0


@pytest.fixture
def pair() -> Iterator[tuple[Upstream, Upstream]]:
    made = Upstream(), Upstream()
    for service in made:
        service.start()
    yield made
    for service in made:
        service.stop()


@pytest.fixture
def publish(worker: Worker) -> Callable[..., str]:
    def publish_version(*urls: str, **fields: Any) -> str:
        version = f"v{time.monotonic_ns()}"
        targets = tuple(TargetRecord(url) for url in urls)
        record = UpstreamRecord(urls[0], targets=targets, **{**QUICK, **fields})
        worker.delta(
            [
                change("route", version, route(version, version=version)),
                change("upstream", version, record),
                change("subscription", f"sub_{version}", subscription(version)),
            ],
            time.monotonic_ns() // 1_000_000,
        )
        return f"{worker.url}/pay/orders/{version}"

    return publish_version


def call(worker: Worker, url: str, method: str = "GET", **more: Any) -> httpx.Response:
    headers = {"x-api-key": worker.key, **more.pop("headers", {})}
    return httpx.request(method, url, headers=headers, timeout=15, trust_env=False, **more)


def records_of(worker: Worker, answer: httpx.Response) -> list[tuple[str, int, str]]:
    name = answer.headers["x-request-id"]
    worker.finished(name)
    found = [record for record in worker.records() if record["id"] == name]
    return [(record["type"], record["attempt"], record.get("code", "")) for record in found]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_calls_are_shared_out(worker, pair, publish):
    url = publish(pair[0].url, pair[1].url)
    for _ in range(10):
        assert call(worker, f"{url}/echo").status_code == 200
    assert [len(service.seen) for service in pair] == [5, 5]


def test_a_failure_is_tried_elsewhere_and_each_attempt_is_recorded(worker, pair, publish):
    url = publish(pair[0].url, pair[1].url, retries=1)
    pair[0].status = 503
    answer = call(worker, f"{url}/echo?x=1", "PUT", content=b"body")
    assert answer.status_code == 200
    assert answer.json()["target"] == "/echo?x=1"
    assert pair[1].seen[-1].body == b"body"
    attempts = [("started", 1, ""), ("finished", 1, "retried"), ("started", 2, ""), ("finished", 2, "")]
    assert records_of(worker, answer) == attempts


def test_a_post_is_repeated_only_with_an_idempotency_key_or_when_nothing_was_sent(worker, pair, publish):
    url = publish(pair[0].url, pair[0].url, retries=2)
    pair[0].status = 503
    assert call(worker, f"{url}/echo", "POST", content=b"x").status_code == 503
    assert len(pair[0].seen) == 1
    assert call(worker, f"{url}/echo", "POST", content=b"x", headers={"Idempotency-Key": "k"}).status_code == 503
    assert len(pair[0].seen) == 4
    pair[0].status = 200
    dead = publish(f"http://127.0.0.1:{closed_port()}", pair[1].url, retries=1)
    for _ in range(3):
        assert call(worker, f"{dead}/echo", "POST", content=b"x").status_code == 200


def test_a_streamed_body_is_never_sent_twice(worker, pair, publish):
    url = publish(pair[0].url, pair[1].url, retries=2)
    pair[0].status = pair[1].status = 503
    assert call(worker, f"{url}/echo", "PUT", content=iter([b"a", b"b"])).status_code == 503
    assert len(pair[0].seen) + len(pair[1].seen) == 1


def test_a_reset_before_the_answer_is_tried_again_and_a_cut_one_is_not(worker, pair, publish):
    url = publish(pair[0].url, retries=1)
    assert call(worker, f"{url}/reset").status_code == 502
    assert len(pair[0].seen) == 2
    with pytest.raises(httpx.HTTPError):
        call(worker, f"{url}/half")
    assert len(pair[0].seen) == 3


def test_retry_after_is_waited_for_and_a_long_one_passed_on(worker, pair, publish):
    url = publish(pair[0].url, retries=1)
    pair[0].status, pair[0].retry_after = 503, "1"
    started = time.monotonic()
    assert call(worker, f"{url}/echo").status_code == 503
    assert time.monotonic() - started >= 1.0
    assert len(pair[0].seen) == 2
    pair[0].retry_after = "60"
    answer = call(worker, f"{url}/echo")
    assert (answer.status_code, answer.headers["retry-after"], len(pair[0].seen)) == (503, "60", 3)


def test_a_target_that_asks_for_patience_is_left_alone_while_the_others_serve(worker, pair, publish):
    url = publish(pair[0].url, pair[1].url, retries=1, retry_statuses=(429, 503))
    pair[0].status, pair[0].retry_after = 429, "5"
    for _ in range(6):
        assert call(worker, f"{url}/echo").status_code == 200
    assert len(pair[0].seen) == 1


def test_a_breaker_opens_says_when_to_come_back_and_closes_again(worker, pair, publish):
    url = publish(pair[0].url, breaker_failures=2, breaker_seconds=0.5)
    pair[0].status = 500
    assert [call(worker, f"{url}/echo").status_code for _ in range(2)] == [500, 500]
    refused = call(worker, f"{url}/echo")
    assert (refused.status_code, refused.json()["code"], refused.json()["fault"]) == (
        503,
        "upstream-unavailable",
        "upstream",
    )
    assert int(refused.headers["retry-after"]) >= 1
    assert len(pair[0].seen) == 2
    pair[0].status = 200
    time.sleep(0.6)
    assert [call(worker, f"{url}/echo").status_code for _ in range(3)] == [200, 200, 200]


def test_an_unhealthy_target_is_found_by_asking_and_comes_back(worker, pair, publish):
    pair[1].status = 500
    url = publish(pair[0].url, pair[1].url, health_path="/echo", health_seconds=0.2)
    until = time.monotonic() + 5
    while [call(worker, f"{url}/echo").status_code for _ in range(6)] != [200] * 6:
        assert time.monotonic() < until
    pair[1].status = 200
    until = time.monotonic() + 5
    number = len([seen for seen in pair[1].seen if seen.header("x-request-id")])
    while len([seen for seen in pair[1].seen if seen.header("x-request-id")]) == number:
        assert call(worker, f"{url}/echo").status_code == 200
        assert time.monotonic() < until, "the target never came back"
