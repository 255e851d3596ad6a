"""Versions that production does not serve, called with keys of an environment that they are deployed in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.dataplane.keys import mint_key
from gateway.dataplane.records import IdempotencyRecord, OperationRecord, RouteRecord, UpstreamRecord
from gateway.dataplane.router import Router, compile_route
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, credential, route, subscription, world

ONLY_V2 = (OperationRecord("new", "GET", "/new"),)


@pytest.fixture
def worker(service: Upstream, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, REDIS_URL=os.environ["REDIS_URL"])
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def key_of(worker: Worker, name: str, generation: int, **fields: Any) -> str:
    """Return a new key; without fields it is a staging key of the owning team's application."""
    known = {"application_id": "app_own", "team_id": "team_pay", "environment": "staging"}
    key = mint_key()
    worker.delta([change("credential", name, credential(key, **{**known, **fields}))], generation)
    return key


def staged(service: Upstream, environment: str = "staging", **fields: Any) -> list[list[Any]]:
    """Return the changes that deploy v2 to an environment while production does not know it."""
    key = f"ver_2~env:{environment}"
    known: dict[str, Any] = {
        "version": "v2", "state": "approved", "visibility": "teams", "team_ids": ("team_pay",), "beside": "ver_2",
        "alternate": f"env:{environment}", "environment": environment, "revision": 3, "operations": ONLY_V2,
    }  # fmt: skip
    record = route("ver_2", **{**known, **fields})
    return [change("route", key, record), change("upstream", key, UpstreamRecord(base_url=service.url))]


def call(worker: Worker, key: str, path: str = "/pay/orders/v2/new", **headers: str) -> httpx.Response:
    return httpx.get(f"{worker.url}{path}", headers={"x-api-key": key, **headers} if key else headers)


def told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Return what a caller can tell two refusals by."""
    body = answer.json()
    return answer.status_code, {name: body[name] for name in ("type", "code", "title", "detail")}


def test_a_key_of_the_environment_reaches_it_before_production_does_and_nobody_else_learns_of_it(worker, service):
    mine = key_of(worker, "key_s", 2)
    others = {
        "production": worker.key,
        "owners' production": key_of(worker, "key_p", 3, environment="production"),
        "another environment": key_of(worker, "key_d", 4, environment="dev"),
        "another team": key_of(worker, "key_t", 5, team_id="team_shop", application_id="app_1"),
        "revoked": key_of(worker, "key_r", 6, revoked_at=1.0),
        "unknown": mint_key(),
        "none": "",
    }
    paths = ("/pay/orders/v2/new", "/pay/orders/v2", "/pay/orders/v2/nothing/there")
    before = {(who, path): told(call(worker, key, path)) for who, key in others.items() for path in paths}
    assert {status for status, _ in before.values()} == {404}
    assert call(worker, mine).status_code == 404

    seen = len(service.seen)
    worker.delta(staged(service), 7)
    answer = call(worker, mine)
    assert (answer.status_code, answer.headers["gatehouse-revision"]) == (200, "3")
    assert [call.target for call in service.seen[seen:]] == ["/new"]
    assert {(who, path): told(call(worker, key, path)) for who, key in others.items() for path in paths} == before
    asked = call(worker, "", "/pay/orders/v2/new", Origin="https://a.example")
    assert told(asked) == before["none", "/pay/orders/v2/new"]
    # Who reaches it is told what it has and has not, as of any version.
    assert call(worker, mine, "/pay/orders/v2/other").json()["code"] == "operation-unknown"
    assert call(worker, mine, **{"Gatehouse-Revision": "3"}).status_code == 200
    assert call(worker, mine, **{"Gatehouse-Revision": "2"}).json()["code"] == "revision-unknown"
    # v1 goes on as it was.
    assert call(worker, worker.key, "/pay/orders/v1/echo").status_code == 200
    assert len(service.seen) == seen + 3

    worker.delta([change("route", "ver_2~env:staging", None), change("upstream", "ver_2~env:staging", None)], 8)
    assert told(call(worker, mine)) == before["unknown", "/pay/orders/v2/new"]


def test_each_environment_has_its_own(worker, service):
    keys = {"staging": key_of(worker, "key_s", 2), "dev": key_of(worker, "key_d", 3, environment="dev")}
    worker.delta([*staged(service), *staged(service, "dev", revision=4)], 4)
    assert [call(worker, keys[name]).headers["gatehouse-revision"] for name in ("staging", "dev")] == ["3", "4"]
    worker.delta(staged(service, "dev", revision=5), 5)
    assert [call(worker, keys[name]).headers["gatehouse-revision"] for name in ("staging", "dev")] == ["3", "5"]
    worker.delta([change("route", "ver_2~env:dev", None)], 6)
    assert [call(worker, keys[name]).status_code for name in ("staging", "dev")] == [200, 404]


def test_published_it_stays_at_its_address_in_the_same_generation(worker, service):
    mine = key_of(worker, "key_s", 2)
    worker.delta(staged(service), 3)
    published = route("ver_2", version="v2", revision=3, operations=ONLY_V2)
    worker.delta(
        [
            change("route", "ver_2", published),
            change("upstream", "ver_2", UpstreamRecord(base_url=service.url)),
            *staged(service, state="published", visibility="everyone", team_ids=(), revision=4),
            change("subscription", "sub_2", subscription("ver_2")),
        ],
        4,
    )
    assert call(worker, worker.key).headers["gatehouse-revision"] == "3"
    # The owners go on without a subscription there; others need theirs.
    assert call(worker, mine).headers["gatehouse-revision"] == "4"
    theirs = key_of(worker, "key_t", 5, team_id="team_shop", application_id="app_1")
    assert call(worker, theirs).headers["gatehouse-revision"] == "4"
    lone = key_of(worker, "key_l", 6, team_id="team_shop", application_id="app_lone")
    assert call(worker, lone).json()["code"] == "subscription-required"
    # In production the owners are callers like others.
    owners = key_of(worker, "key_p", 7, environment="production")
    assert call(worker, owners).json()["code"] == "subscription-required"


def test_an_ended_subscription_does_not_shut_the_owners_out_a_suspended_one_does(worker, service):
    mine = key_of(worker, "key_s", 2)
    fields = {"application_id": "app_own", "team_id": "team_pay"}
    worker.delta([*staged(service), change("subscription", "sub_o", subscription("ver_2", state="ended", **fields))], 3)
    assert call(worker, mine).status_code == 200
    worker.delta([change("subscription", "sub_o", subscription("ver_2", state="suspended", **fields))], 4)
    assert call(worker, mine).json()["code"] == "subscription-suspended"


def test_an_idempotency_key_is_one_environments(worker, service):
    rule = IdempotencyRecord(("make",))
    make = (OperationRecord("make", "POST", "/make"),)
    keys = {"staging": key_of(worker, "key_s", 2), "dev": key_of(worker, "key_d", 3, environment="dev")}
    worker.delta([*staged(service, idempotency=rule, operations=make),
                  *staged(service, "dev", idempotency=rule, operations=make)], 4)  # fmt: skip

    def post(name: str) -> httpx.Response:
        headers = {"x-api-key": keys[name], "Idempotency-Key": "once"}
        return httpx.post(f"{worker.url}/pay/orders/v2/make", headers=headers, content=b"{}")

    answers = [post(name) for name in ("staging", "staging", "dev")]
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", None]


def record(version: str, **fields: Any) -> RouteRecord:
    known: dict[str, Any] = {"beside": "ver_2", "alternate": "env:staging", "environment": "staging"}
    return route("ver_2", version=version, **{**known, **fields})


def found(router: Router, path: str, *headers: tuple[bytes, bytes], query: bytes = b"") -> list[tuple[str, str]]:
    return [(entry.key, rest) for entry, rest, _ in router.find_elsewhere(path, list(headers), query)]


def test_an_address_elsewhere_is_read_as_in_production():
    router = Router()
    router.put("a", compile_route(record("v2")))
    router.put("b", compile_route(record("v3", version_in="header", version_name="X-Version", is_default=True)))
    router.put("c", compile_route(record("v4", version_in="query", version_name="v")))
    assert found(router, "/pay/orders/v2/a%2Fb", (b"x-version", b"v9")) == [("a", "/a%2Fb")]
    assert found(router, "/pay/orders/x/y") == [("b", "/x/y")]
    assert found(router, "/pay/orders/x", (b"x-version", b"v3"), query=b"v=v4") == [("b", "/x"), ("c", "/x")]
    assert found(router, "/pay/orders/x", (b"x-version", b"v9"), query=b"v=v5") == []
    assert found(router, "/pay/other/v2") == []
    for key in "abc":
        router.remove(key)
    assert found(router, "/pay/orders/v2") == []


def test_a_moved_base_path_leaves_nothing_behind():
    router = Router()
    router.put("a", compile_route(record("v2")))
    router.put("a", compile_route(record("v2", base_path="/pay/moved")))
    assert (found(router, "/pay/orders/v2"), found(router, "/pay/moved/v2/x")) == ([], [("a", "/x")])
