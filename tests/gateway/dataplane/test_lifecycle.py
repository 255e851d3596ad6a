"""What callers meet when a version is blocked, previewed, or changes the revision it serves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.dataplane.records import UpstreamRecord
from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, change, route, world


@pytest.fixture
def worker(service: Upstream, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def call(worker: Worker, client: httpx.Client | None = None) -> httpx.Response:
    get = client.get if client else httpx.get
    return get(f"{worker.url}/pay/orders/v1/echo", headers={"x-api-key": worker.key})


def test_a_block_tells_its_reason_and_when_to_come_back(worker):
    until = time.time() + 90
    record = route(is_blocked=True, blocked_reason="A leak is being mended.", blocked_until=until)
    worker.delta([change("route", "ver_1", record)], 2)
    answer = call(worker)
    assert (answer.status_code, answer.json()["code"]) == (503, "version-blocked")
    assert "A leak is being mended" in answer.json()["detail"]
    assert 80 <= int(answer.headers["retry-after"]) <= 90
    worker.delta([change("route", "ver_1", route(is_blocked=True, blocked_until=time.time() - 5))], 3)
    assert "retry-after" not in call(worker).headers
    worker.delta([change("route", "ver_1", route())], 4)
    assert call(worker).status_code == 200


def test_a_brownout_refuses_within_its_time_alone(worker):
    moment = time.time()
    later = ((moment + 60, moment + 120),)
    worker.delta([change("route", "ver_1", route(state="deprecated", deprecated_at=moment, brownouts=later))], 2)
    assert call(worker).status_code == 200
    under_way = ((moment - 60, moment + 90),)
    record = route(state="deprecated", deprecated_at=moment, brownouts=under_way, successor_path="/pay/orders/v2")
    worker.delta([change("route", "ver_1", record)], 3)
    answer = call(worker)
    assert (answer.status_code, answer.json()["code"]) == (503, "version-brownout")
    assert "/pay/orders/v2" in answer.json()["detail"]
    assert 80 <= int(answer.headers["retry-after"]) <= 90
    assert answer.headers["deprecation"].startswith("@")
    assert answer.headers["cache-control"] == "no-store"
    worker.delta([change("route", "ver_1", route(state="deprecated", brownouts=((moment - 60, moment - 1),)))], 4)
    assert call(worker).status_code == 200


def test_a_preview_is_nothing_to_other_teams(worker):
    worker.delta([change("route", "ver_1", route(state="preview", visibility="teams", team_ids=("team_pay",)))], 2)
    assert call(worker).status_code == 404
    listed = ("team_pay", "team_shop")
    worker.delta([change("route", "ver_1", route(state="preview", visibility="teams", team_ids=listed))], 3)
    assert call(worker).status_code == 200


def test_no_call_is_lost_while_revisions_take_turns(worker, service):
    statuses: list[int] = []
    is_over = threading.Event()

    def keep_calling() -> None:
        with httpx.Client(trust_env=False) as client:
            while not is_over.is_set():
                statuses.append(call(worker, client).status_code)

    callers = [threading.Thread(target=keep_calling) for _ in range(4)]
    for caller in callers:
        caller.start()
    # Each revision has an upstream record of its own, as a release or a roll-back writes them: in one generation.
    for generation in range(2, 62):
        upstream = UpstreamRecord(base_url=service.url, total_seconds=30 + generation)
        changes = [change("upstream", "ver_1", upstream), change("route", "ver_1", route(revision=generation))]
        worker.delta(changes, generation)
        time.sleep(0.02)
    is_over.set()
    for caller in callers:
        caller.join(10)
    assert len(statuses) > 60
    assert set(statuses) == {200}
