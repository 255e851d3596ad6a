"""CORS, header rules, rewriting, sizes and the choice of a version, through a real worker to a real upstream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.dataplane.records import (
    CorsRecord,
    HeaderRulesRecord,
    OperationRecord,
    RewriteRecord,
    UpstreamRecord,
)
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, route, subscription, world

APP = "https://app.example.com"


@pytest.fixture(scope="module")
def worker(service: Upstream, tmp_path_factory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp("settings")
    made = Worker(home)
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


@pytest.fixture
def publish(worker: Worker, service: Upstream) -> Callable[..., str]:
    def publish_version(**fields: Any) -> str:
        name = f"ver_{time.monotonic_ns()}"
        base = fields.pop("base_path", f"/t/{name}")
        applied = worker.delta(
            [
                change("route", name, route(name, base_path=base, **fields)),
                change("upstream", name, UpstreamRecord(f"{service.url}/base")),
                change("subscription", f"sub_{name}", subscription(name)),
            ],
            time.monotonic_ns() // 1_000_000,
        )
        assert applied["rejected"] == []
        return f"{worker.url}{base}"

    return publish_version


@pytest.fixture
def client(worker: Worker) -> Iterator[httpx.Client]:
    with httpx.Client(headers={"x-api-key": worker.key}, timeout=10, trust_env=False) as made:
        yield made


PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, x-a"}


def test_a_preflight_is_answered_without_a_key_and_without_the_upstream(publish, service):
    url = publish(cors=CorsRecord(origins=(APP,), max_age_seconds=60))
    number = len(service.seen)
    answer = httpx.options(f"{url}/v1/echo", headers={"Origin": APP, **PREFLIGHT}, trust_env=False)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == APP
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, x-a"
    assert answer.headers["access-control-max-age"] == "60"
    assert "Origin" in answer.headers["vary"]
    assert len(service.seen) == number


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example.com", "https://app.example.com.evil", "null"]
)
def test_another_origin_is_granted_nothing(publish, origin):
    url = publish(cors=CorsRecord(origins=(APP, "https://*.example.org")))
    answer = httpx.options(f"{url}/v1/echo", headers={"Origin": origin, **PREFLIGHT}, trust_env=False)
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["vary"] == "Origin"


def test_answers_and_errors_say_that_their_page_may_read_them(publish, client, worker):
    url = publish(
        cors=CorsRecord(origins=("https://*.example.org",), exposed_headers=("X-Kept",), allows_credentials=True)
    )
    headers = {"Origin": "https://shop.example.org"}
    for answer in (
        client.get(f"{url}/v1/echo", headers=headers),
        client.get(f"{url}/v1/a/b/c/d", headers=headers),
        httpx.get(f"{url}/v1/echo", headers=headers, trust_env=False),
    ):
        assert answer.headers["access-control-allow-origin"] == "https://shop.example.org"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert {"X-Kept", "RateLimit", "Retry-After"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )


def test_a_version_without_a_rule_says_nothing_of_origins(publish, client):
    answer = client.get(f"{publish()}/v1/echo", headers={"Origin": APP})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control-") or name == "vary"]


def test_headers_are_removed_set_and_added_with_words_of_the_call(publish, client, service):
    up = HeaderRulesRecord(("Cookie",), (("X-Who", "{application} on {plan}"), ("X-Fixed", "1")), (("X-More", "a"),))
    down = HeaderRulesRecord(("X-Kept",), (("Cache-Control", "private"),), (("Set-Cookie", "c=3"),))
    url = publish(request_headers=up, response_headers=down)
    number = len(service.seen)
    answer = client.get(f"{url}/v1/echo", headers={"Cookie": "a=1", "X-Who": "me", "X-More": "b"})
    seen = service.wait_for(number)
    assert seen.header("cookie") is None
    assert [value for name, value in seen.headers if name.lower() == "x-who"] == ["Shop on Free"]
    assert [value for name, value in seen.headers if name.lower() == "x-more"] == ["b", "a"]
    assert answer.headers["cache-control"] == "private"
    assert answer.headers.get_list("set-cookie") == ["c=3"]


@pytest.mark.parametrize(
    ("rewrite", "path", "target"),
    [
        (RewriteRecord(strip_prefix="/public", prefix="/in"), "/public/echo", "/base/in/echo"),
        (RewriteRecord(strip_prefix="/public"), "/publicity/echo", "/base/publicity/echo"),
        (RewriteRecord(strip_prefix="/public"), "/public", "/base"),
        (RewriteRecord(paths=(("get", "/x/{id}/{part}.json"),)), "/orders/a%2Fb/p%20q", "/base/x/a%2Fb/p%20q.json"),
        (
            RewriteRecord(query_set=(("s", "g w"),), query_remove=("debug",)),
            "/echo?debug=1&q=%2F",
            "/base/echo?q=%2F&s=g%20w",
        ),
        (RewriteRecord(query_set=(("q", "2"),)), "/echo?q=1&q=3", "/base/echo?q=2"),
    ],
)
def test_a_path_and_query_are_rewritten_and_raw_bytes_stay(publish, client, service, rewrite, path, target):
    operations = [OperationRecord("get", "GET", "/orders/{id}/{part}"), OperationRecord("any", "GET", "/{a}")]
    operations.append(OperationRecord("two", "GET", "/{a}/{b}"))
    url = publish(rewrite=rewrite, operations=tuple(operations))
    assert client.get(f"{url}/v1{path}").json()["target"] == target


def test_sizes_are_kept_to(publish, client):
    url = publish(max_query_bytes=10, max_header_bytes=400, max_response_bytes=1000)
    assert client.get(f"{url}/v1/echo?q=12345678").status_code == 200
    answer = client.get(f"{url}/v1/echo?q=123456789")
    assert (answer.status_code, answer.json()["code"]) == (414, "query-too-long")
    answer = client.get(f"{url}/v1/echo", headers={"X-Long": "x" * 400})
    assert (answer.status_code, answer.json()["code"]) == (431, "headers-too-large")


def test_an_answer_over_its_size_is_a_502_or_cut(publish, client, worker, service):
    name = f"ver_{time.monotonic_ns()}"
    worker.delta(
        [
            change("route", name, route(name, base_path=f"/t/{name}", max_response_bytes=20)),
            change("upstream", name, UpstreamRecord(service.url)),
            change("subscription", f"sub_{name}", subscription(name)),
        ],
        time.monotonic_ns() // 1_000_000,
    )
    answer = client.get(f"{worker.url}/t/{name}/v1/big")
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream-invalid")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"{worker.url}/t/{name}/v1/stream")


def test_a_header_chooses_the_version_and_answers_vary_by_it(publish, client, service):
    base = f"/t/by-header-{time.monotonic_ns()}"
    chosen = {"base_path": base, "version_in": "header", "version_name": "API-Version"}
    publish(**chosen, version="v1", is_default=True, rewrite=RewriteRecord(prefix="/one"))
    url = publish(**chosen, version="v2", rewrite=RewriteRecord(prefix="/two"))
    for headers, prefix in (({}, "one"), ({"API-Version": "v1"}, "one"), ({"api-version": "v2"}, "two")):
        answer = client.get(f"{url}/echo", headers=headers)
        assert answer.json()["target"] == f"/base/{prefix}/echo"
        assert answer.headers["vary"] == "API-Version"
    unknown = client.get(f"{url}/echo", headers={"API-Version": "v9"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "version-unknown")
    assert "it has v1, v2" in unknown.json()["detail"] and "header API-Version" in unknown.json()["detail"]


def test_a_query_parameter_chooses_the_version(publish, client):
    base = f"/t/by-query-{time.monotonic_ns()}"
    url = publish(base_path=base, version_in="query", version_name="v", version="v2")
    assert client.get(f"{url}/echo?v=v2").status_code == 200
    assert client.get(f"{url}/echo").json()["code"] == "version-unknown"
