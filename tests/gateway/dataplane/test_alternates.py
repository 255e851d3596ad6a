"""Revisions beside the current one: another environment's, a canary, what owners may call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.dataplane.alternates import JUDGED_FROM, WINDOW, Canary
from gateway.dataplane.keys import mint_key
from gateway.dataplane.records import OperationRecord, RouteRecord, UpstreamRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, credential, route, subscription, world

FALLBACK = 'gatehouse_canary_fallback{version="ver_1",revision="8"}'
ONLY_NEW = (OperationRecord("new", "GET", "/new"),)


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Another upstream, where what stands beside the current revision is served."""
    made = Upstream()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def worker(service: Upstream, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def beside(name: str, upstream: Upstream, **fields: Any) -> list[list[Any]]:
    record = route(beside="ver_1", alternate=name, revision=8, **fields)
    key = f"ver_1~{name}"
    return [change("route", key, record), change("upstream", key, UpstreamRecord(base_url=upstream.url))]


def call(worker: Worker, path: str = "/echo", key: str = "", **headers: str) -> httpx.Response:
    return httpx.get(f"{worker.url}/pay/orders/v1{path}", headers={"x-api-key": key or worker.key, **headers})


def owner_key(worker: Worker, generation: int) -> str:
    key = mint_key()
    changes = [
        change("credential", "key_own", credential(key, application_id="app_own", team_id="team_pay")),
        change("subscription", "sub_own", subscription(application_id="app_own", team_id="team_pay")),
    ]
    worker.delta(changes, generation)
    return key


def test_an_owner_calls_a_revision_before_it_is_current_and_nobody_else(worker, service, other):
    worker.delta(beside("rev:8", other, operations=ONLY_NEW), 2)
    mine = owner_key(worker, 3)
    answer = call(worker, "/new", key=mine, **{"Gatehouse-Revision": "8"})
    assert (answer.status_code, answer.headers["gatehouse-revision"]) == (200, "8")
    assert [seen.target for seen in other.seen] == ["/new"]
    # Our own header goes no further.
    assert not any(name.startswith("gatehouse") for name in other.seen[0].names())
    assert call(worker, "/echo", key=mine, **{"Gatehouse-Revision": "8"}).json()["code"] == "operation-unknown"
    for key, asked in ((worker.key, "8"), (mine, "9"), (mine, "x")):
        refused = call(worker, "/new", key=key, **{"Gatehouse-Revision": asked})
        assert (refused.status_code, refused.json()["code"]) == (404, "revision-unknown")
    assert call(worker, "/echo").status_code == 200
    assert len(other.seen) == 1
    # Who shows no key learns nothing of what is only in the next revision.
    for path, status in (("/new/a/b/c/d", 404), ("/echo", 401)):
        assert httpx.get(f"{worker.url}/pay/orders/v1{path}").status_code == status


def test_a_key_reaches_what_is_deployed_in_its_environment(worker, service, other):
    staging = mint_key()
    worker.delta([change("credential", "key_s", credential(staging, environment="staging"))], 2)
    for generation, changes in ((3, []), (4, beside("env:dev", other, environment="dev"))):
        worker.delta(changes, generation)
        refused = call(worker, key=staging)
        assert (refused.status_code, refused.json()["code"]) == (401, "key-invalid")
    worker.delta(beside("env:staging", other, environment="staging"), 5)
    assert call(worker, key=staging).headers["gatehouse-revision"] == "8"
    assert len(other.seen) == 1
    assert call(worker).headers["gatehouse-revision"] == "0"
    worker.delta([change("route", "ver_1~env:staging", None), change("route", "ver_1~env:dev", None)], 6)
    assert "gatehouse-revision" not in call(worker).headers


def test_a_canary_gets_its_share_and_those_with_its_header(worker, service, other):
    worker.delta(beside("canary", other, canary_percent=30, canary_header="X-Trial", canary_value="yes"), 2)
    for _ in range(200):
        assert call(worker).status_code == 200
    assert 30 <= len(other.seen) <= 90
    seen = len(other.seen)
    for _ in range(10):
        call(worker, **{"X-Trial": "yes"})
    assert len(other.seen) == seen + 10
    for _ in range(10):
        call(worker, **{"X-Trial": "no"})
    assert len(other.seen) == seen + 10


def test_a_canary_that_fails_falls_back_and_says_so(worker, service, other):
    other.status = 503
    fields = {"canary_percent": 50, "canary_header": "X-Trial", "canary_max_error_percent": 20}
    worker.delta(beside("canary", other, **fields), 2)
    statuses = [call(worker).status_code for _ in range(150)]
    assert JUDGED_FROM <= statuses.count(503) <= JUDGED_FROM + 2
    assert set(statuses[-60:]) == {200}
    # Who asks for it by its header still reaches it.
    assert call(worker, **{"X-Trial": "1"}).status_code == 503
    while (told := worker.read())["type"] != "stats" or told["series"].get(FALLBACK) != 1:
        pass
    # A change of the current revision does not give it another chance; a changed trial does.
    worker.delta([change("route", "ver_1", route(revision=7)), *beside("canary", other, **fields)], 3)
    assert {call(worker).status_code for _ in range(40)} == {200}
    other.status = 200
    worker.delta(beside("canary", other, **fields | {"canary_percent": 100}), 4)
    assert call(worker).headers["gatehouse-revision"] == "8"


def test_a_canary_is_judged_by_its_last_calls():
    canary = Canary(RouteRecord("v", "a", "A", "v1", "rest", "published", "/a", "t", canary_max_error_percent=10))
    for _ in range(JUDGED_FROM - 1):
        canary.note(True)
    assert not canary.has_fallen_back
    canary.note(True)
    assert canary.has_fallen_back
    fresh = Canary(replace(canary.record, canary_max_error_percent=15))
    for n in range(WINDOW * 5):
        fresh.note(n % 10 == 0)
    assert (fresh.failures, fresh.has_fallen_back) == (10, False)
    for _ in range(8):
        fresh.note(True)
    assert fresh.has_fallen_back


def test_what_is_current_is_served_as_quickly_beside_others(worker, service, other):
    """The choice costs a look into a dictionary: no call waits for it."""
    worker.delta(beside("rev:8", other), 2)
    started = time.monotonic()
    for _ in range(50):
        assert call(worker).status_code == 200
    assert time.monotonic() - started < 20
