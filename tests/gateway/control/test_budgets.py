"""Budgets after their store has lost them: closed until the ledger knows all that was spent, then as it says."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection

from apis.limits import parse_limits
from apis.models import Api, Plan
from gateway.control import budgets
from gateway.control.tasks import keep_budgets_open
from gateway.dataplane.allowance import Allowance, Counter, Decision
from gateway.dataplane.allowance.counters import counter_of
from gateway.dataplane.calls import Finished, Started, new_call_id, to_json
from gateway.dataplane.errors import LimitsUnavailable
from tests.gateway.node.store import Store

pytestmark = pytest.mark.django_db
URL = os.environ["REDIS_URL"]
IDS = {
    "subscription": "sub_1", "key": "key_1", "application": "app_1", "team": "team_1", "api": "api_1",
    "upstream": "ver_1",
}  # fmt: skip


@pytest.fixture
def store() -> redis.Redis:
    """The store of limits, just emptied."""
    link = redis.Redis.from_url(URL)
    link.delete("gh:epoch", "gh:epoch:lost", "gh:epoch:lock", *link.scan_iter("gh:limit:budget:*"))
    return link


@pytest.fixture
def make_plan(team) -> Callable[..., Plan]:
    api = Api.objects.create(team=team, slug="ai", name="AI", kind="model", base_path=f"/t{uuid4().hex[:8]}/ai")

    def make(**limit: Any) -> Plan:
        limits = [{"id": "budget", "unit": "tokens", "limit": 1000, "window": "1d", **limit}]
        parse_limits(limits)
        return Plan.objects.create(api=api, slug=f"p{uuid4().hex[:8]}", name="Budget", limits=limits)

    return make


def event(plan: Plan, **fields: Any) -> Finished:
    at = fields.pop("at", time.time() - 1)
    known = {
        "subscription_id": "sub_1", "credential_id": "key_1", "application_id": "app_1", "team_id": "team_1",
        "api_id": "api_1", "version_id": "ver_1", "kind": "model", "status": 200,
    }  # fmt: skip
    return Finished(id=str(new_call_id(at)), attempt=1, at=at, plan_id=plan.public_id, **{**known, **fields})


def started(call: Finished) -> dict[str, Any]:
    record = orjson.loads(to_json(call))
    return {**{name: record[name] for name in Started.__dataclass_fields__}, "type": "started"}


def ship(*records: Any) -> None:
    with connection.cursor() as cursor:
        for record in records:
            text = (orjson.dumps(record) if isinstance(record, dict) else to_json(record)).decode()
            cursor.execute("INSERT INTO usage_staging (node, segment, payload) VALUES ('n1', 's', %s)", [text])
        cursor.execute("SELECT usage_ingest('n1')")


def report(node: str, *, ago: float, spool_age: float = 0.0) -> None:
    """Let a worker have reported this long ago, with this old a segment to ship."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO gateway_worker (node, worker, pid, generation, is_stale, started_at, reported_at, stats)"
            " VALUES (%s, 'w1', 1, 0, false, now(), clock_timestamp() - make_interval(secs => %s), %s)"
            " ON CONFLICT (node, worker) DO UPDATE SET reported_at = excluded.reported_at, stats = excluded.stats",
            [node, ago, orjson.dumps({"spool_age_seconds": spool_age}).decode()],
        )


def take(counter: Counter, amount: int) -> Decision:
    """Ask for an amount as a worker does."""

    async def main() -> Decision:
        allowance = Allowance(URL, worker_id="w1")
        try:
            await allowance.redis.ping()
            asked = Counter(**{**fields_of(counter), "amount": amount})
            return await allowance.reserve(uuid4().hex, 1, [asked])
        finally:
            await allowance.close()

    return asyncio.run(main())


def fields_of(counter: Counter) -> dict[str, Any]:
    return {name: getattr(counter, name) for name in counter.__dataclass_fields__ if name != "key"}


def counter_for(plan: Plan) -> Counter:
    return counter_of(parse_limits(plan.limits)[0], plan.public_id, IDS)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the store seconds: what is counted is judged here, not how fast a busy machine is."""
    monkeypatch.setattr("gateway.dataplane.allowance.store.DEADLINE_SECONDS", 5.0)


def test_nobody_spends_while_the_epoch_is_missing_and_then_what_the_ledger_leaves(store, make_plan) -> None:
    plan = make_plan()
    ship(event(plan, input_tokens=300, output_tokens=200))
    with pytest.raises(LimitsUnavailable, match="counted from the ledger"):
        take(counter_for(plan), 1)
    assert keep_budgets_open() == []
    assert not take(counter_for(plan), 501).is_admitted
    last = take(counter_for(plan), 500)
    assert (last.is_admitted, last.taken[0].used) == (True, 1000)


def test_requests_are_counted_whatever_became_of_the_budgets(store, make_plan) -> None:
    assert take(Counter("sub_1", uuid4().hex, 5, 60), 1).is_admitted


def test_a_call_under_way_counts_at_its_worst_and_an_old_one_not_at_all(store, make_plan) -> None:
    plan = make_plan(unit="nano_usd")
    call = event(plan, reserved_nano=400, cost_nano=100)
    ship(started(call), event(plan, cost_nano=250), event(plan, cost_nano=999, at=time.time() - 3 * 86_400))
    keep_budgets_open()
    assert take(counter_for(plan), 350).taken[0].used == 1000


@pytest.mark.parametrize(
    "limit",
    [
        {"window": "month", "time_zone": "Europe/Berlin"}, {"algo": "sliding_window"}, {"algo": "token_bucket"},
        {"by": "key"}, {"by": "application"}, {"by": "team"}, {"by": "api"}, {"by": "upstream"},
    ],
)  # fmt: skip
def test_every_kind_of_counter_is_written_as_gateways_read_it(store, make_plan, limit: dict[str, Any]) -> None:
    plan = make_plan(**limit)
    ship(event(plan, input_tokens=600))
    keep_budgets_open()
    assert not take(counter_for(plan), 402).is_admitted
    assert take(counter_for(plan), 399).is_admitted


def test_a_settlement_of_the_time_before_gives_nothing_back(store, make_plan) -> None:
    plan, name = make_plan(), uuid4().hex
    counter = Counter(**{**fields_of(counter_for(plan)), "amount": 800})

    async def main() -> bool:
        allowance = Allowance(URL, worker_id="w1")
        try:
            await allowance.redis.set("gh:epoch", f"{store.info('server')['run_id']}:before")
            await allowance.reserve(name, 1, [counter])
            await allowance.redis.set("gh:epoch", f"{store.info('server')['run_id']}:after")
            return await allowance.settle(name, 1, [counter], [100])
        finally:
            await allowance.close()

    assert asyncio.run(main()) is False
    assert not take(counter, 300).is_admitted


def test_a_node_that_is_behind_keeps_them_closed_until_it_has_shipped_or_is_written_off(store, make_plan) -> None:
    plan = make_plan()
    report("edge-1", ago=60)
    assert keep_budgets_open() == ["edge-1"]
    # It reports again, with records from before the loss still to ship.
    store.set(budgets.SINCE_KEY, repr(time.time() - 30))
    report("edge-1", ago=0, spool_age=45)
    assert keep_budgets_open() == ["edge-1"]
    with pytest.raises(LimitsUnavailable):
        take(counter_for(plan), 1)
    report("edge-1", ago=0)
    report("edge-2", ago=3600)
    assert keep_budgets_open() == ["edge-2"]
    call_command("write_off_node", "edge-2")
    assert keep_budgets_open() == []
    assert take(counter_for(plan), 1).is_admitted
    with pytest.raises(CommandError, match="edge-2"):
        call_command("write_off_node", "edge-2")


class Address:
    """One address whose connections lead to the store of the moment, as a failover leaves it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def lead_to(self, target: int) -> None:
        """Cut what is open, and lead what comes to another server."""
        self.target = target
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # Closing alone would not wake the thread that accepts.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(5)
        self.lead_to(0)
        for thread in self._threads:
            thread.join(5)
        for end in [self._listening, *self._open]:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                there = socket.create_connection(("127.0.0.1", self.target))
                self._open += [here, there]
                for one, other in ((here, there), (there, here)):
                    self._start(self._pump, one, other)

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


def test_a_replica_that_takes_over_is_not_believed_until_the_ledger_has_spoken(tmp_path, make_plan, monkeypatch):
    first, second = Store(tmp_path / "first"), Store(tmp_path / "second")
    address = Address(urlsplit(first.url).port or 0)
    url = urlsplit(first.url)._replace(netloc=f":secret@127.0.0.1:{address.port}").geturl()
    monkeypatch.setattr("tests.gateway.control.test_budgets.URL", url)
    try:
        replica = redis.Redis.from_url(second.url)
        replica.config_set("masterauth", "secret")
        replica.replicaof("127.0.0.1", urlsplit(first.url).port)
        plan = make_plan()
        assert budgets.keep_budgets_open(redis.Redis.from_url(url)) == []
        assert take(counter_for(plan), 100).is_admitted
        until = time.monotonic() + 20
        while not replica.get("gh:epoch"):
            assert time.monotonic() < until, "the replica does not follow"
            time.sleep(0.1)
        # The last of what was spent never reached the replica.
        replica.replicaof("NO", "ONE")
        assert take(counter_for(plan), 800).is_admitted
        ship(event(plan, input_tokens=900))
        address.lead_to(urlsplit(second.url).port or 0)
        with pytest.raises(LimitsUnavailable):
            take(counter_for(plan), 1)
        assert budgets.keep_budgets_open(redis.Redis.from_url(url)) == []
        assert not take(counter_for(plan), 101).is_admitted
        assert take(counter_for(plan), 100).is_admitted
    finally:
        address.close()
        first.close()
        second.close()
