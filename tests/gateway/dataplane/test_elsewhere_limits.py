"""Limits of a plan in other environments: counted apart, and their own where the plan has some."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gateway.dataplane.keys import mint_key
from gateway.dataplane.records import LimitRecord, UpstreamRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, credential, plan, route, subscription, world

DAY = 86_400


class Stage:
    """A worker with a published version, one subscription, and its keys of production and staging."""

    def __init__(self, worker: Worker, service: Upstream) -> None:
        self.worker, self.service, self.generation = worker, service, 1
        self.keys = {"production": worker.key, "staging": mint_key()}
        # Counters lie in a store that other tests use too: their owners are this test's alone.
        self.ids = {"subscription": f"sub_{uuid4().hex}", "plan": f"plan_{uuid4().hex}"}
        self.tell(
            change("credential", "key_s", credential(self.keys["staging"], environment="staging")),
            change("subscription", "sub_1", None),
            change("subscription", self.ids["subscription"], subscription(plan_id=self.ids["plan"])),
        )
        self.deploy()

    def tell(self, *changes: list[Any]) -> None:
        self.generation += 1
        self.worker.delta(list(changes), self.generation)

    def deploy(self, **fields: Any) -> None:
        record = route(beside="ver_1", alternate="env:staging", environment="staging", **fields)
        key = "ver_1~env:staging"
        self.tell(change("route", key, record), change("upstream", key, UpstreamRecord(base_url=self.service.url)))

    def limit(self, *limits: LimitRecord, **fields: Any) -> None:
        self.tell(change("plan", self.ids["plan"], plan(limits=limits, on_store_error="closed", **fields)))

    def call(self, environment: str) -> httpx.Response:
        return httpx.get(f"{self.worker.url}/pay/orders/v1/echo", headers={"x-api-key": self.keys[environment]})

    def statuses(self, *environments: str) -> list[int]:
        return [self.call(environment).status_code for environment in environments]


@pytest.fixture
def stage(service: Upstream, tmp_path: Path) -> Iterator[Stage]:
    made = Worker(tmp_path, REDIS_URL=os.environ["REDIS_URL"])
    made.load(world(made.key, service.url))
    yield Stage(made, service)
    assert made.stop() == 0


@pytest.mark.parametrize("by", ["subscription", "key", "application", "team", "api"])
def test_calls_in_staging_use_up_nothing_of_production(stage, by):
    stage.limit(LimitRecord("day", 2, DAY, by=by))
    assert stage.statuses("staging", "staging", "staging") == [200, 200, 429]
    assert stage.statuses("production", "production", "production") == [200, 200, 429]


def test_a_limit_by_upstream_counts_together_what_reaches_the_same_server(stage):
    stage.limit(LimitRecord("day", 2, DAY, by="upstream"))
    assert stage.statuses("staging", "production", "production") == [200, 200, 429]
    stage.deploy(has_own_upstream=True)
    assert stage.statuses("staging", "staging", "staging", "production") == [200, 200, 429, 429]


def test_a_plan_may_have_other_limits_elsewhere_or_none(stage):
    stage.limit(LimitRecord("day", 5, DAY), limits_elsewhere=(LimitRecord("few", 1, DAY),))
    assert stage.statuses("staging", "staging", "production", "production") == [200, 429, 200, 200]
    refused = stage.call("staging")
    assert refused.json()["violated-policies"] == ["few"]
    assert '"day"' in stage.call("production").headers["ratelimit-policy"]
    stage.limit(LimitRecord("day", 0, DAY), limits_elsewhere=())
    assert stage.statuses("staging", "staging", "production") == [200, 200, 429]
    assert "ratelimit-policy" not in stage.call("staging").headers
