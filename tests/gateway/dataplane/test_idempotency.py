"""Operations that run once for each Idempotency-Key, through a real worker, upstream and Valkey."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import redis

from gateway.dataplane.records import IdempotencyRecord, LimitRecord, OperationRecord
from supervisor.ports import free_port
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, plan, route, subscription, world

URL = os.environ["REDIS_URL"]
OPERATIONS = (OperationRecord("create", "POST", "/{a}"), OperationRecord("read", "GET", "/{a}"))


@pytest.fixture(scope="module")
def worker(service: Upstream, tmp_path_factory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp("idempotency")
    made = Worker(home, REDIS_URL=URL)
    changes = world(made.key, service.url)
    rule = IdempotencyRecord(("create",))
    made.load(
        [
            *changes,
            change("route", "ver_1", route(idempotency=rule, operations=OPERATIONS)),
            change("plan", "plan_free", plan(limits=(LimitRecord("day", 1000, 86_400),))),
            change("subscription", "sub_1", subscription()),
        ]
    )
    yield made
    assert made.stop() == 0


@pytest.fixture
def post(worker: Worker) -> Iterator[Callable[..., httpx.Response]]:
    with httpx.Client(headers={"x-api-key": worker.key}, timeout=10, trust_env=False) as client:
        yield lambda path, key, body=b"{}": client.post(
            f"{worker.url}/pay/orders/v1{path}", content=body, headers={"Idempotency-Key": key} if key else {}
        )


def new_key() -> str:
    return f'"{uuid4()}"'


def test_a_repetition_gets_the_first_answer_and_takes_nothing_from_the_limits(post, service):
    key, number = new_key(), len(service.seen)
    first, second = post("/cookies", key), post("/cookies", key.strip('"'))
    assert len(service.seen) == number + 1
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert "ratelimit" in first.headers and "ratelimit" not in second.headers


def test_an_answer_that_says_no_is_an_answer(post, service):
    key, number = new_key(), len(service.seen)
    assert [post("/teapot", key).status_code for _ in range(2)] == [418, 418]
    assert len(service.seen) == number + 1


def test_the_same_key_with_another_request_is_a_422(post):
    key = new_key()
    assert post("/echo", key, b"one").status_code == 200
    for answer in (post("/echo", key, b"two"), post("/other", key, b"one")):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")


def test_a_repetition_while_the_first_is_under_way_is_a_409(post, service):
    key, number = new_key(), len(service.seen)
    first = threading.Thread(target=post, args=("/stream", key))
    first.start()
    service.wait_for(number)
    answer = post("/stream", key)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        409,
        "idempotency-running",
        "1",
    )
    first.join()
    assert post("/stream", key).headers["idempotency-replayed"] == "true"


def test_a_call_that_failed_on_the_way_may_run_again(post, service):
    key, number = new_key(), len(service.seen)
    assert [post("/reset", key).status_code for _ in range(2)] == [502, 502]
    assert len(service.seen) == number + 2


def test_an_answer_too_large_to_keep_is_passed_on_and_runs_again(post, service):
    key, number = new_key(), len(service.seen)
    assert [len(post("/big", key).content) for _ in range(2)] == [3_000_000] * 2
    assert len(service.seen) == number + 2


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "é"])
def test_a_key_that_is_none_is_refused_where_it_is_given(post, key):
    answer = post("/echo", key.encode() if key else "")
    expected = 200 if not key else 400
    assert answer.status_code == expected


def test_what_is_kept_is_sealed(post):
    key = new_key()
    post("/echo", key, b"a secret order")
    with redis.Redis.from_url(URL) as link:
        kept = [link.get(name) for name in link.scan_iter("gh:idempotency:*")]
    assert kept
    assert not any(b"echo" in value or b"secret" in value for value in kept if value)


@pytest.mark.parametrize(("is_required", "status"), [(True, 503), (False, 200)])
def test_without_the_store_a_required_key_closes_and_another_is_not_kept(service, tmp_path, is_required, status):
    worker = Worker(tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    rule = IdempotencyRecord(("create",), is_required=is_required)
    worker.load(
        [*world(worker.key, service.url), change("route", "ver_1", route(idempotency=rule, operations=OPERATIONS))]
    )
    url, headers = f"{worker.url}/pay/orders/v1/echo", {"x-api-key": worker.key}
    try:
        answer = httpx.post(url, headers={**headers, "Idempotency-Key": "k"}, trust_env=False)
        assert answer.status_code == status
        assert is_required or answer.headers["gatehouse-idempotency"] == "not kept"
        missing = httpx.post(url, headers=headers, trust_env=False)
        assert missing.status_code == (400 if is_required else 200)
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 200
    finally:
        assert worker.stop() == 0
