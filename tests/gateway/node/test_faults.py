"""What calls meet when the store of limits, the database or the disk fails under a real node, and what is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from django.db import connection, transaction

from gateway.control.changelog import record_changes
from gateway.dataplane.records import LimitRecord
from tests.gateway.node.process import NodeProcess
from tests.gateway.node.store import Store
from tests.gateway.worker import plan
from usage.models import UsageEvent


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "valkey")
    yield made
    made.close()


def limit(rule: str, *limits: LimitRecord) -> None:
    with transaction.atomic():
        record_changes([("plan", "plan_free", plan(limits=limits, on_store_error=rule))])


@pytest.fixture
def caller() -> Iterator[Callable[[NodeProcess, str], Callable[[], httpx.Response]]]:
    """Return what makes a function that calls the published API over one kept connection."""
    clients: list[httpx.Client] = []

    def make(node: NodeProcess, key: str) -> Callable[[], httpx.Response]:
        client = httpx.Client(headers={"x-api-key": key}, timeout=10, trust_env=False)
        clients.append(client)
        return lambda: client.get(f"{node.url}/pay/orders/v1/echo")

    yield make
    for client in clients:
        client.close()


def statuses(call: Callable[[], httpx.Response], number: int) -> set[int]:
    return {call().status_code for _ in range(number)}


def is_limit_of_five(found: list[int]) -> bool:
    """Say whether five were let through and then none; a machine too busy for the store's deadline may refuse some."""
    if 503 in found:
        return found.count(200) <= 5
    return found == [200] * 5 + [429] * (len(found) - 5)


@pytest.mark.parametrize(("rule", "expected"), [("open", 200), ("local", 200), ("closed", 503)])
def test_a_store_that_hangs_costs_a_call_little_and_then_nothing(start_node, published, store, caller, rule, expected):
    limit(rule, LimitRecord("day", 10**6, 86_400))
    node = start_node(workers=1, REDIS_URL=store.url)
    node.ready()
    call = caller(node, published)
    node.wait_for(lambda: call().status_code == 200)
    store.process.send_signal(signal.SIGSTOP)
    # Leases that were given are good for a second.
    time.sleep(1.2)
    assert statuses(call, 30) == {expected}
    answer = call()
    if rule == "closed":
        assert (answer.json()["code"], answer.json()["fault"]) == ("limits-unavailable", "gateway")
        assert answer.headers["retry-after"] == "1"
    else:
        assert float(answer.headers["gatehouse-overhead-ms"]) < 40
    store.process.send_signal(signal.SIGCONT)
    node.wait_for(lambda: call().status_code == 200)


def test_a_store_that_is_stopped_and_comes_back_empty_counts_anew(start_node, published, store, caller):
    limit("closed", LimitRecord("day", 5, 86_400))
    node = start_node(workers=1, REDIS_URL=store.url)
    node.ready()
    call = caller(node, published)
    assert is_limit_of_five([call().status_code for _ in range(7)])
    store.stop()
    node.wait_for(lambda: call().status_code == 503)
    store.start()
    node.wait_for(lambda: call().status_code == 200)
    with redis.Redis.from_url(store.url) as link:
        link.flushall()
    # The scripts went with it: they are sent again.
    time.sleep(0.15)
    assert is_limit_of_five([call().status_code for _ in range(6)])


def refuse_connections(is_refused: bool) -> None:
    """Let nobody new into this test's database, and put out who is there."""
    name = str(connection.settings_dict["NAME"])
    connection.close()
    # Only from outside can a database be closed.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as outside:
        outside.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {"false" if is_refused else "true"}')
        if is_refused:
            outside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.mark.parametrize("seconds", [3.0, pytest.param(60.0, marks=pytest.mark.slow)])
def test_calls_go_on_while_the_database_is_away_and_all_are_in_the_ledger(
    start_node, published, upstream, caller, seconds
):
    node = start_node(workers=2)
    node.ready()
    call = caller(node, published)
    ids = [call().headers["x-request-id"]]
    refuse_connections(True)
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = call()
            assert answer.status_code == 200
            ids.append(answer.headers["x-request-id"])
            time.sleep(0.01)
    finally:
        refuse_connections(False)
    found: Any = node.wait_for(lambda: UsageEvent.objects.filter(state="finished").count() >= len(ids))
    assert found
    assert UsageEvent.objects.count() == len(ids) == len(upstream.seen)
    assert {str(name) for name in UsageEvent.objects.values_list("id", flat=True)} == set(ids)


@pytest.mark.parametrize(("rule", "expected"), [("refuse", 503), ("serve", 200)])
def test_a_spool_at_its_size_refuses_or_serves_and_counts(start_node, published, caller, rule, expected):
    node = start_node(
        workers=1, GATEHOUSE_SPOOL_MAX_BYTES="30000", GATEHOUSE_ON_SPOOL_FULL=rule, GATEHOUSE_SPOOL_FSYNC_SECONDS="1"
    )
    node.ready()
    call = caller(node, published)
    refuse_connections(True)
    try:
        until = time.monotonic() + 10
        while httpx.get(f"{node.url}/readyz", trust_env=False).json()["is_spool_writable"]:
            call()
            assert time.monotonic() < until, "the spool never filled"
        answer = call()
        assert answer.status_code == expected
        readyz = httpx.get(f"{node.url}/readyz", trust_env=False)
        assert readyz.status_code == (503 if rule == "refuse" else 200)
        if rule == "refuse":
            assert (answer.json()["code"], answer.json()["fault"]) == ("spool-full", "gateway")
            assert answer.headers["retry-after"] == "10"
    finally:
        refuse_connections(False)
    node.wait_for(lambda: httpx.get(f"{node.url}/readyz", trust_env=False).json()["is_spool_writable"])
    node.wait_for(lambda: call().status_code == 200)
