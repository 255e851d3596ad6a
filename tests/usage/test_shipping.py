"""The whole road: a worker's spool, the node's shipper, the ledger, the rollup."""

import asyncio
import os

import pytest
from django.db import connection

from gateway.dataplane.calls import Started
from gateway.dataplane.spool import Spool
from gateway.node.shipper import Shipper
from usage import rollups
from usage.models import UsageEvent, UsageHour

from .conftest import call_of, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_ledger():
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE usage_event, usage_staging, usage_quarantine, usage_dirty, usage_refused_minute")


def begin(call):
    record = started(call)
    del record["type"]
    return Started(**record)


@pytest.fixture
def ship_all(tmp_path):
    """Ship what lies in the spool, twice: the second time must find nothing to do."""
    settings = connection.get_connection_params()
    url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**settings)

    async def run():
        shipper = Shipper(tmp_path, "n1", url)
        try:
            return [await shipper.ship(), await shipper.ship()]
        finally:
            await shipper.close()

    return lambda: asyncio.run(run())


def write(directory, *records, is_killed=False):
    async def run():
        spool = Spool(directory, "w1", fsync_seconds=0)
        for record in records:
            spool.append(record)
        if is_killed:
            # What kill -9 leaves: an open segment and a lock that nobody holds.
            os.close(spool._lock)
        else:
            await spool.close()

    asyncio.run(run())


def test_what_a_worker_spooled_is_counted_once(tmp_path, ship_all):
    calls = [call_of(worker="w1") for _ in range(50)]
    write(tmp_path, *(record for call in calls for record in (begin(call), call)))
    assert ship_all() == [100, 0]
    rollups.roll_up()
    assert UsageEvent.objects.filter(state="finished").count() == UsageHour.objects.get().calls == 50
    assert list(tmp_path.iterdir()) == []


def test_a_killed_workers_answered_calls_are_finished_and_the_others_interrupted(tmp_path, ship_all):
    answered, cut = call_of(), call_of(reserved_nano=5)
    write(tmp_path, begin(answered), begin(cut), answered, is_killed=True)
    assert ship_all() == [3, 0]
    assert {str(event.id): event.state for event in UsageEvent.objects.all()} == {
        answered.id: "finished",
        cut.id: "interrupted",
    }
