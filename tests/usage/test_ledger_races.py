"""Several nodes ship at once: real connections, real commits."""

import threading
import time

import orjson
import psycopg
import pytest
from django.db import connection

from usage.models import UsageEvent

from .conftest import call_of, finished, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connect():
    settings = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    opened = []

    def new():
        opened.append(psycopg.connect(**{name: settings[name] for name in names}))
        return opened[-1]

    yield new
    for each in opened:
        each.close()


@pytest.fixture(autouse=True)
def empty_ledger(connect):
    yield
    with connect() as cleaner:
        cleaner.execute("TRUNCATE usage_event, usage_staging, usage_quarantine, usage_dirty, usage_refused_minute")


def send(link, node, records):
    with link.cursor() as cursor:
        with cursor.copy("COPY usage_staging (node, segment, payload) FROM STDIN") as copy:
            for record in records:
                copy.write_row((node, f"{node}-1-00000001.sealed", orjson.dumps(record).decode()))
        cursor.execute("SELECT usage_ingest(%s)", [node])
    link.commit()


def test_nodes_that_ship_the_same_and_other_calls_at_once_store_each_once(connect):
    # Several days back, so that all of them need partitions that nobody has made yet.
    calls = [call_of(at=time.time() - 86400 * (5 + n % 4) - n) for n in range(200)]
    errors = []

    def work(node, mine):
        try:
            link = connect()
            for start in range(0, len(mine), 20):
                part = mine[start : start + 20]
                send(link, node, [started(call) for call in part])
                send(link, node, [finished(call) for call in reversed(part)])
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"n{n}", calls[n::2] + calls[:60])) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert UsageEvent.objects.filter(state="finished").count() == 200
    assert UsageEvent.objects.count() == 200


def test_an_ingest_rolled_back_leaves_nothing_and_its_repeat_stores_all(connect):
    call = call_of()
    link = connect()
    with link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_staging (node, segment, payload) VALUES ('n1', 's', %s)",
            [orjson.dumps(finished(call)).decode()],
        )
        cursor.execute("SELECT usage_ingest('n1')")
    link.rollback()
    assert UsageEvent.objects.count() == 0
    send(link, "n1", [finished(call)])
    assert UsageEvent.objects.count() == 1


def test_records_committed_while_another_ingests_are_not_lost(connect):
    first, second = connect(), connect()
    with first.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_staging (node, segment, payload) VALUES ('n1', 's', %s)",
            [orjson.dumps(finished(call_of())).decode()],
        )
        cursor.execute("SELECT usage_ingest('n1')")
        second.execute(
            "INSERT INTO usage_staging (node, segment, payload) VALUES ('n1', 's', %s)",
            [orjson.dumps(finished(call_of())).decode()],
        )
        second.commit()
    first.commit()
    send(second, "n1", [])
    assert UsageEvent.objects.count() == 2
