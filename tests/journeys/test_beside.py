"""Beside the current revision: another environment, an owner's look ahead, a trial that fails and is taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.gateway.upstream import Upstream
from tests.gateway.web import Web
from tests.journeys.product import Product, until
from tests.journeys.test_rest_api import Rest

DOCUMENT = """openapi: 3.1.0
info: {title: Lanes, version: 1.0.0}
paths:
  /echo:
    get:
      operationId: readLane
      responses: {"200": {description: The lane.}}
"""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def other(upstream: Upstream) -> Iterator[Upstream]:
    made = Upstream()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def told() -> Iterator[tuple[Web, list[tuple[Any, bytes]]]]:
    got: list[tuple[Any, bytes]] = []
    web = Web(lambda headers, body: (got.append((headers, body)), (204, b""))[1])
    yield web, got
    web.stop()


def test_a_revision_goes_to_staging_is_tried_and_falls_back(
    product: Product, upstream: Upstream, other: Upstream, told: Any
) -> None:
    rest = Rest(product.console, product.ready["api_token"])
    web, got = told
    hook = rest.post("teams/demo/webhooks", url=web.url, event_types=["canary.started", "canary.fell_back"])
    rest.post("environments", slug="staging", name="Staging")
    job = rest.post("imports", team="demo", source=DOCUMENT, name="Lanes", upstream_url=upstream.url)
    version = rest.all(f"apis/{job['api']}/versions")[0]
    one = f"versions/{version['id']}"
    rest.move(one, "publish")

    application = rest.post("applications", team="demo", name="Lane tester")
    keys = f"applications/{application['id']}/credentials"
    live = rest.post(keys, name="live")["key"]
    staged = rest.post(keys, name="staged", environment="staging")["key"]
    plan = rest.post("plans", api=job["api"], name="Wide", limits=[])
    rest.post("subscriptions", application=application["id"], version=version["id"], plan=plan["id"])
    url = f"{rest.get(one)['url']}/echo"

    def call(key: str, **headers: str) -> httpx.Response:
        return httpx.get(url, headers={"authorization": f"Bearer {key}", **headers})

    until(lambda: call(live).status_code == 200)
    assert call(staged).status_code == 401

    # The next revision goes to another upstream; its owners look at it before anybody else does.
    draft = rest.post(f"{one}/revisions")
    etag = rest.client.get(f"revisions/{draft['id']}").headers["etag"]
    saved = rest.client.put(
        f"revisions/{draft['id']}", json={"source": DOCUMENT, "upstream_url": other.url}, headers={"if-match": etag}
    )
    assert saved.status_code == 200, saved.text
    until(lambda: call(live, **{"Gatehouse-Revision": "2"}).status_code == 200)
    assert (len(other.seen), call(live).headers["gatehouse-revision"]) == (1, "1")

    # Somebody else's upstream is not asked for in staging: the same document, an address of its own.
    rest.move(one, "submit")
    rest.post(f"{one}/deployments", environment="staging", revision=draft["id"])
    until(lambda: call(staged).status_code == 200)
    assert call(staged).headers["gatehouse-revision"] == "2"

    # A trial that fails is over within seconds, everywhere, and its starter and the webhook are told.
    other.status = 500
    rest.post(f"{one}/canary", revision=draft["id"], percent=60, max_error_percent=20)
    statuses: list[int] = []

    def has_fallen_back() -> bool:
        statuses.extend(call(live).status_code for _ in range(10))
        return bool(rest.get(f"{one}/canary")["state"] == "fell_back")

    until(has_fallen_back)
    assert 500 in statuses
    until(lambda: all(call(live).status_code == 200 for _ in range(10)))
    assert "fell back" in rest.all("notices")[0]["title"]
    until(lambda: len(got) >= 2)
    events = [Webhook(hook["secret"]).verify(body, dict(headers.items())) for headers, body in got]
    assert [event["type"] for event in events] == ["canary.started", "canary.fell_back"]
    assert json.loads(got[1][1])["data"]["after"]["state"] == "fell_back"
    log = rest.all(f"teams/demo/webhooks/{hook['id']}/deliveries")
    assert {row["state"] for row in log} == {"delivered"}
