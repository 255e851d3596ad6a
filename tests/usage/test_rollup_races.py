"""The roll-up against shippers and against itself, on real connections."""

import threading

import pytest
from django.db import connection, connections, transaction

from usage import rollups
from usage.models import Progress, UsageDay, UsageHour, UsageMinute

from .conftest import call_of, finished

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_ledger():
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE usage_event, usage_staging, usage_quarantine, usage_dirty, usage_refused_minute")


def in_thread(work):
    results = []

    def run():
        try:
            results.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=20)
    return results[0]


def test_a_second_runner_leaves_at_once_while_the_first_is_at_work(ship):
    ship(finished(call_of()))
    with transaction.atomic():
        assert rollups.roll_up() == 1
        assert in_thread(rollups.roll_up) is None
    assert UsageHour.objects.get().calls == 1


def test_a_mark_set_while_a_minute_is_counted_stays_for_the_next_run(ship):
    call = call_of()
    ship(finished(call))
    with transaction.atomic():
        rollups.roll_up()
        in_thread(lambda: ship(finished(call_of(at=call.at))))
    assert UsageMinute.objects.get().calls == 1
    assert rollups.roll_up() == 1
    assert [table.objects.get().calls for table in (UsageMinute, UsageHour, UsageDay)] == [2, 2, 2]


def test_a_failed_run_keeps_its_marks_and_the_old_numbers(ship):
    ship(finished(call_of()))

    def fail():
        with transaction.atomic():
            rollups.roll_up()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not Progress.objects.exists()
    assert rollups.roll_up() == 1
