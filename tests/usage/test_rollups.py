import random
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from usage import rollups
from usage.histogram import percentile
from usage.models import CredentialUse, Progress, UsageDay, UsageEvent, UsageHour, UsageMinute
from usage.retention import EVENT_DAYS

from .conftest import call_of, finished, started

pytestmark = pytest.mark.django_db
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def at(**after):
    return (NOON + timedelta(**after)).timestamp()


def counted(table):
    names = ("start_at", "calls", "upstream_errors", "cost_usd", "latency")
    return list(table.objects.order_by("start_at", "version_id").values_list(*names))


def test_calls_are_counted_into_minute_hour_and_day(ship, roll_up):
    ship(
        finished(call_of(at=at(seconds=1), input_tokens=5, output_tokens=2, cost_nano=1, total_ms=10)),
        finished(call_of(at=at(seconds=59), status=502, fault="upstream", code="upstream-invalid", cost_nano=2)),
        finished(call_of(at=at(minutes=1), status=429, fault="policy", code="quota-exceeded", attempt=0)),
        finished(call_of(at=at(minutes=59), status=500)),
    )
    roll_up()
    assert [(row[0] - NOON, row[1]) for row in counted(UsageMinute)] == [
        (timedelta(), 2),
        (timedelta(minutes=1), 1),
        (timedelta(minutes=59), 1),
    ]
    for table in (UsageHour, UsageDay):
        row = table.objects.get()
        assert (row.calls, row.policy_errors, row.upstream_errors, row.answers_4xx) == (4, 1, 2, 1)
        assert (row.input_tokens, row.output_tokens, row.cost_usd) == (5, 2, Decimal("0.000000003"))
        assert sum(row.latency) == 3
    assert UsageDay.objects.get().start_at == NOON.replace(hour=0)


def test_a_call_that_was_tried_again_is_one_call_that_cost_both_attempts(ship, roll_up):
    first = call_of(at=at(), attempt=1, status=503, fault="upstream", code="retried", cost_nano=1, total_ms=10)
    second = call_of(at=at(), id=first.id, attempt=2, status=200, cost_nano=2, total_ms=20)
    ship(started(first), finished(first), started(second), finished(second))
    roll_up()
    row = UsageHour.objects.get()
    assert (row.calls, row.upstream_errors, row.answers_5xx, row.answers_2xx) == (1, 0, 0, 1)
    assert (row.cost_usd, sum(row.latency)) == (Decimal("0.000000003"), 1)


def test_an_open_call_is_not_counted_until_it_is_over(ship, roll_up, rows):
    call = call_of(at=at(), reserved_nano=10)
    ship(started(call), finished(call_of(at=at())))
    roll_up()
    assert UsageHour.objects.get().calls == 1
    rows("SELECT usage_close_interrupted('n1', 'w1')")
    roll_up()
    row = UsageHour.objects.get()
    assert (row.calls, row.interrupted, row.gateway_errors, row.cost_usd) == (2, 1, 1, Decimal("0.00000001"))


def test_late_repeated_and_overtaking_records_end_in_the_same_numbers(ship, roll_up):
    calls = [call_of(at=at(seconds=7 * n), cost_nano=n, total_ms=n + 1, version_id=f"ver_{n % 3}") for n in range(60)]
    records = [record for call in calls for record in (started(call), finished(call))]
    ship(*records)
    roll_up()
    wanted = [counted(table) for table in (UsageMinute, UsageHour, UsageDay)]
    UsageEvent.objects.all()._raw_delete("default")
    for table in (UsageMinute, UsageHour, UsageDay):
        table.objects.all().delete()
    shuffled = [*records, *records[:40]]
    random.Random(7).shuffle(shuffled)
    for start in range(0, len(shuffled), 13):
        ship(*shuffled[start : start + 13], node=f"n{start % 2}")
        roll_up()
    assert [counted(table) for table in (UsageMinute, UsageHour, UsageDay)] == wanted


def test_rolling_up_twice_changes_nothing(ship, roll_up, rows):
    ship(finished(call_of(at=at())))
    roll_up()
    before = counted(UsageHour)
    rows("INSERT INTO usage_dirty (minute) SELECT start_at FROM usage_usageminute RETURNING mark")
    roll_up()
    roll_up()
    assert counted(UsageHour) == before


def test_a_backlog_is_worked_off_oldest_first_and_says_how_far_it_is(ship):
    ship(*(finished(call_of(at=at(minutes=n))) for n in range(5)))
    assert rollups.roll_up(limit=2) == 2
    assert Progress.objects.get().as_of == NOON + timedelta(minutes=2)
    assert rollups.roll_up(limit=9) == 3
    assert datetime.now(UTC) - Progress.objects.get().as_of < timedelta(minutes=1)


def test_percentiles_come_from_merged_histograms(ship, roll_up):
    ship(*(finished(call_of(at=at(seconds=n), total_ms=10.0)) for n in range(90)))
    ship(*(finished(call_of(at=at(minutes=30, seconds=n), total_ms=1000.0)) for n in range(10)))
    roll_up()
    merged = UsageHour.objects.get().latency
    assert percentile(merged, 0.5) == pytest.approx(10, rel=0.05)
    assert percentile(merged, 0.95) == pytest.approx(1000, rel=0.05)


def test_a_keys_last_use_is_the_newest_call_whatever_comes_last(ship, roll_up):
    ship(finished(call_of(at=at(minutes=9), credential_id="key_a")))
    roll_up()
    ship(finished(call_of(at=at(minutes=3), credential_id="key_a")))
    roll_up()
    assert CredentialUse.objects.get().last_used_at == NOON + timedelta(minutes=9)


def test_dropping_old_days_keeps_their_hours_and_days(ship, roll_up, rows):
    old = time.time() - 86400 * (EVENT_DAYS - 0.01)
    ship(finished(call_of(at=old)), finished(call_of(at=at())))
    roll_up()
    rows("SELECT usage_make_partition(%s)", (datetime.now(UTC) - timedelta(days=EVENT_DAYS + 2)).date())
    assert rollups.drop_old() == 1
    assert UsageEvent.objects.count() == 2
    UsageMinute.objects.filter(start_at__lt=NOON).update(start_at=NOON - timedelta(days=EVENT_DAYS + 3))
    rollups.drop_old()
    assert UsageMinute.objects.count() == 1
    assert UsageDay.objects.count() == 2


def test_a_call_whose_end_is_never_told_is_interrupted_after_a_day(ship, roll_up):
    lost, young = call_of(at=time.time() - 86400 - 60, reserved_nano=10**9), call_of()
    ship(started(lost), started(young))
    assert rollups.close_stale() == 1
    assert rollups.close_stale() == 0
    roll_up()
    assert UsageDay.objects.get().cost_usd == 1
    assert {str(event.id): event.state for event in UsageEvent.objects.all()} == {
        lost.id: "interrupted",
        young.id: "open",
    }
