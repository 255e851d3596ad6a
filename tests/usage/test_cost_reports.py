from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from usage.models import CostReport, UsageDay
from usage.reports.cost import lines_of, month_of
from usage.rollups import SUMS
from usage.selectors import freshness, team_costs
from usage.tasks import write_cost_reports

from .conftest import finished

pytestmark = pytest.mark.django_db


def test_a_call_is_on_the_report_of_its_caller_and_of_its_provider(ship, roll_up, call_between, shop, version):
    ship(finished(call_between(cost_nano=1_250_000_000, model="demo/smol", input_tokens=9, kind="model")))
    roll_up()
    bought = team_costs(shop.team, month_of(datetime.now(UTC)))
    assert (bought.total_usd, bought.calls, bought.provided_calls) == (Decimal("1.25"), 1, 0)
    [line] = lines_of(bought)
    assert (line.api_name, line.version, line.application_name, line.model) == (
        "Orders",
        "v1",
        "Checkout",
        "demo/smol",
    )
    sold = team_costs(version.api.team, month_of(datetime.now(UTC)))
    assert (sold.total_usd, sold.provided_usd, sold.provided_calls) == (Decimal(0), Decimal("1.25"), 1)


def test_the_sum_of_the_lines_is_the_total_to_the_last_digit(ship, roll_up, call_between, shop):
    ship(*(finished(call_between(cost_nano=1 + n, model=f"demo/m{n % 4}")) for n in range(40)))
    roll_up()
    report = team_costs(shop.team, month_of(datetime.now(UTC)))
    assert report.total_usd == sum(Decimal(line.cost_usd) for line in lines_of(report)) == Decimal(820) / 10**9


def test_with_the_worker_stopped_the_report_stays_old_and_says_so(ship, roll_up, call_between, shop):
    ship(finished(call_between(cost_nano=5)))
    roll_up()
    assert not freshness().is_late
    before = team_costs(shop.team, month_of(datetime.now(UTC)))
    ship(finished(call_between(cost_nano=7)))
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=12), tick=False):
        # Reports alone, without the roll-up, must not pretend to be newer either.
        write_cost_reports()
        report = team_costs(shop.team, before.month)
        assert (report.total_usd, report.as_of) == (before.total_usd, before.as_of)
        late = freshness()
        assert late.is_late
        assert late.as_of == before.as_of
        assert "has not counted since" in late.reason
        assert late.late_seconds >= 700


def test_the_hash_changes_with_the_content_only(ship, roll_up, call_between, shop):
    ship(finished(call_between(cost_nano=5)))
    roll_up()
    first = CostReport.objects.get(team=shop.team)
    roll_up()
    second = CostReport.objects.get(team=shop.team)
    assert second.content_hash == first.content_hash
    assert second.as_of > first.as_of
    assert second.public_id == first.public_id
    ship(finished(call_between(cost_nano=5)))
    roll_up()
    assert CostReport.objects.get(team=shop.team).content_hash != first.content_hash


def test_a_month_is_frozen_some_days_after_its_end_and_never_changes_again(ship, roll_up, call_between, shop):
    with time_machine.travel(datetime(2026, 3, 31, 23, 0, tzinfo=UTC), tick=False):
        roll_up()

    # The ledger takes times near the database's clock, so the call is counted by hand.
    def count(cost):
        values = dict.fromkeys(SUMS, 0) | {"calls": 1, "cost_usd": cost}
        UsageDay.objects.create(
            start_at=datetime(2026, 3, 31, tzinfo=UTC),
            last_at=datetime(2026, 3, 31, tzinfo=UTC),
            team_id=shop.team.public_id,
            application_id=shop.application.public_id,
            is_try_it=False,
            **values,
        )

    count(Decimal(1))
    for day, is_frozen in ((2, False), (4, True)):
        with time_machine.travel(datetime(2026, 4, day, tzinfo=UTC), tick=False):
            roll_up()
            report = CostReport.objects.get(team=shop.team)
            assert (report.frozen_at is not None) == is_frozen
    count(Decimal(2))
    with time_machine.travel(datetime(2026, 4, 5, tzinfo=UTC), tick=False):
        roll_up()
    assert CostReport.objects.get(team=shop.team).total_usd == Decimal(1)
