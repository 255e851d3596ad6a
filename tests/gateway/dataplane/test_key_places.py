"""A key in a header of the API's own, in the query or in HTTP Basic opens the API and never reaches the upstream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.dataplane.records import KeyPlacesRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, route, world


@pytest.fixture(scope="module")
def worker(service: Upstream, tmp_path_factory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp("places")
    made = Worker(home)
    places = KeyPlacesRecord("X-Shop-Key", "api_key", is_basic=True)
    made.load([*world(made.key, service.url), change("route", "ver_1", route(key_places=places))])
    yield made
    assert made.stop() == 0


def call(worker: Worker, query: str = "", **more) -> httpx.Response:
    return httpx.get(f"{worker.url}/pay/orders/v1/echo{query}", trust_env=False, **more)


def test_each_place_opens_the_api_and_the_key_stays_here(worker, service):
    answers = [
        call(worker, headers={"X-Shop-Key": worker.key}),
        call(worker, f"?a=1&api_key={worker.key}&b=2"),
        call(worker, auth=("anyone", worker.key)),
        call(worker, auth=(worker.key, "")),
        call(worker, headers={"Authorization": f"Bearer {worker.key}"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert answers[1].json()["target"] == "/echo?a=1&b=2"
    assert all(worker.key not in f"{seen.target} {seen.headers}" for seen in service.seen[-5:])
    assert not any("authorization" in seen.names() for seen in service.seen[-3:])
    recorded = str(worker.finished(answers[1].headers["x-request-id"]))
    assert worker.key not in recorded


def test_basic_credentials_that_are_not_ours_pass_on_to_the_upstream(worker, service):
    answer = call(worker, headers={"x-api-key": worker.key}, auth=("user", "word"))
    assert answer.status_code == 200
    assert service.seen[-1].header("authorization").startswith("Basic ")


@pytest.mark.parametrize("bad", ["Basic !!!", "Basic " + "eA==", "Digest x"])
def test_what_is_no_key_is_a_401(worker, bad):
    answer = call(worker, headers={"Authorization": bad})
    assert (answer.status_code, answer.json()["code"]) == (401, "key-missing")
