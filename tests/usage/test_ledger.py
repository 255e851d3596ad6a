import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from usage.models import UsageEvent
from usage.retention import EVENT_DAYS

from .conftest import call_of, finished, started

pytestmark = pytest.mark.django_db


def reasons(rows):
    return [row[0] for row in rows("SELECT reason FROM usage_quarantine ORDER BY id")]


def test_a_call_shipped_twice_is_one_row(ship, rows):
    call = call_of(cost_nano=750)
    assert ship(started(call), finished(call)) == 2
    rows("DELETE FROM usage_dirty RETURNING mark")
    ship(started(call), finished(call))
    event = UsageEvent.objects.get()
    assert (event.state, event.status, event.cost_usd) == ("finished", 200, Decimal("0.00000075"))
    assert abs(event.at.timestamp() - call.at) < 0.000_002
    assert rows("SELECT 1 FROM usage_dirty") == []


@pytest.mark.parametrize("is_one_segment", [True, False])
def test_finished_before_started_stays_finished(ship, is_one_segment):
    call = call_of()
    if is_one_segment:
        ship(finished(call), started(call))
    else:
        ship(finished(call))
        ship(started(call))
    assert [event.state for event in UsageEvent.objects.all()] == ["finished"]


def test_finished_replaces_the_open_row_and_marks_its_minute(ship, rows):
    call = call_of(input_tokens=7)
    ship(started(call))
    assert UsageEvent.objects.get().state == "open"
    assert rows("SELECT 1 FROM usage_dirty") == []
    ship(finished(call))
    assert (UsageEvent.objects.get().state, UsageEvent.objects.get().input_tokens) == ("finished", 7)
    minute = datetime.fromtimestamp(call.at, UTC).replace(second=0, microsecond=0)
    assert rows("SELECT minute FROM usage_dirty") == [(minute,)]


def test_the_same_attempt_twice_in_one_segment_is_one_row_and_a_second_attempt_another(ship):
    call = call_of()
    again = call_of(id=call.id, at=call.at, attempt=2)
    ship(finished(call), finished(call), finished(again))
    assert [event.attempt for event in UsageEvent.objects.all()] == [1, 2]


def test_a_call_on_each_side_of_midnight_gets_its_day_partition(ship, rows):
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    ship(finished(call_of(at=midnight.timestamp() - 0.000001)), finished(call_of(at=midnight.timestamp())))
    tables = [row[0] for row in rows("SELECT tableoid::regclass::text FROM usage_event ORDER BY at")]
    assert tables == [f"usage_event_{midnight - timedelta(days=1):%Y%m%d}", f"usage_event_{midnight:%Y%m%d}"]


def test_day_partitions_are_cut_in_utc_whatever_zone_the_session_has(ship, rows):
    rows("SELECT set_config('TimeZone', 'Pacific/Auckland', true)")
    call = call_of(at=time.time() - 86400 * 3)
    ship(finished(call))
    day = datetime.fromtimestamp(call.at, UTC)
    assert rows("SELECT tableoid::regclass::text FROM usage_event") == [(f"usage_event_{day:%Y%m%d}",)]


def test_a_clock_far_ahead_and_one_far_behind_go_to_quarantine(ship, rows):
    ahead, near, old, kept = (
        call_of(at=time.time() + offset)
        for offset in (86400 + 60, 86400 - 60, -86400 * EVENT_DAYS - 60, -86400 * EVENT_DAYS + 60)
    )
    ship(*(finished(call) for call in (ahead, near, old, kept)))
    assert reasons(rows) == ["more than a day ahead", "older than the retention"]
    assert {str(event.id) for event in UsageEvent.objects.all()} == {near.id, kept.id}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("[1]", "not an object"),
        ('{"type": "poem"}', "unknown type"),
        ({**finished(call_of()), "id": "42"}, "no call id"),
        ({**finished(call_of()), "at": "noon"}, "no time"),
        ({**finished(call_of()), "at": 1e300}, "more than a day ahead"),
        ({**finished(call_of()), "attempt": None}, "no attempt"),
        ({**finished(call_of()), "status": "fine"}, "invalid input syntax for type integer"),
        ({**finished(call_of()), "path": None}, "null value in column"),
        ({**finished(call_of()), "attempt": -1}, "violates check constraint"),
        ({**finished(call_of()), "status": 2**40}, "out of range for type integer"),
        ({**finished(call_of()), "path": "/a\x00b"}, "unsupported Unicode escape"),
        ('{"type": "refused", "minute": 1, "count": 1}', "older than the retention"),
    ],
)
def test_a_bad_record_is_quarantined_with_its_reason_and_stops_nothing(ship, rows, bad, reason):
    before, after = call_of(), call_of()
    assert ship(finished(before), bad, finished(after)) == 3
    ship(bad)
    found = reasons(rows)
    assert len(found) == 1
    assert reason in found[0]
    assert {str(event.id) for event in UsageEvent.objects.all()} == {before.id, after.id}
    assert rows("SELECT 1 FROM usage_staging") == []


def test_fields_of_a_newer_gateway_are_passed_over(ship):
    ship({**finished(call_of()), "shoe_size": 44})
    assert UsageEvent.objects.get().status == 200


def test_a_node_takes_only_its_own_records(ship, rows):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO usage_staging (node, segment, payload) VALUES ('n2', 's', '{}')")
    ship(finished(call_of()), node="n1")
    assert rows("SELECT node FROM usage_staging") == [("n2",)]


def test_refusals_before_authentication_are_counted_once_per_record(ship, rows):
    record = {
        "type": "refused",
        "id": call_of().id,
        "minute": int(time.time() // 60),
        "code": "key-missing",
        "count": 3,
    }
    ship(record, {**record, "id": call_of().id, "count": 2})
    ship(record)
    assert rows("SELECT code, sum(count) FROM usage_refused_minute GROUP BY code") == [("key-missing", Decimal(5))]


def test_open_calls_of_a_dead_writer_are_interrupted_and_billed_as_reserved(ship, rows):
    dead = call_of(reserved_nano=2_000_000_000)
    alive = call_of()
    ship(started(dead), segment="w1-1763900000000-00000001.open")
    ship(started(alive), segment="w1-1763900009999-00000001.sealed")
    assert rows("SELECT usage_close_interrupted('n1', 'w1-1763900000000')") == [(1,)]
    assert rows("SELECT usage_close_interrupted('n1', 'w1-1763900000000')") == [(0,)]
    event = UsageEvent.objects.get(id=dead.id)
    assert (event.state, event.cost_usd, event.fault, event.is_estimated) == (
        "interrupted",
        Decimal(2),
        "gateway",
        True,
    )
    assert UsageEvent.objects.get(id=alive.id).state == "open"
    assert len(rows("SELECT 1 FROM usage_dirty")) == 1


def test_closing_a_worker_by_its_name_closes_every_start_of_it(ship, rows):
    ship(started(call_of()), segment="w1-1-00000001.open")
    ship(started(call_of()), segment="w1-2-00000001.open")
    ship(started(call_of()), segment="w1-2-00000001.open", node="n2")
    assert rows("SELECT usage_close_interrupted('n1', 'w1')") == [(2,)]


def test_a_finished_record_that_comes_after_the_closing_wins(ship, rows):
    call = call_of(reserved_nano=500, cost_nano=100)
    ship(started(call))
    rows("SELECT usage_close_interrupted('n1', 'w1')")
    ship(finished(call))
    event = UsageEvent.objects.get()
    assert (event.state, event.cost_usd, event.code) == ("finished", Decimal("0.0000001"), "")


def test_old_days_are_dropped_and_the_day_of_the_border_is_kept(ship, rows):
    border = datetime.now(UTC) - timedelta(days=3)
    for days in (2, 3, 4):
        ship(finished(call_of(at=time.time() - 86400 * days)))
    assert rows("SELECT usage_drop_partitions(%s)", border) == [(1,)]
    assert UsageEvent.objects.count() == 2


def test_sql_and_python_agree_on_the_retention(rows):
    assert rows("SELECT usage_retention_days()") == [(EVENT_DAYS,)]
