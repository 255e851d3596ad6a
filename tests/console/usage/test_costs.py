import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.conftest import finished

from .test_overview import text_of

pytestmark = pytest.mark.django_db
THIS_MONTH = f"{datetime.now(UTC):%Y-%m}"


@pytest.fixture
def counted(ship, roll_up, call_between):
    ship(*(finished(call_between(cost_nano=1_050_000_000, model="demo/smol", input_tokens=5)) for _ in range(2)))
    roll_up()


@pytest.mark.usefixtures("counted")
def test_it_shows_the_teams_report_with_its_sum(as_user, shop):
    text = text_of(as_user(shop.buyer).get("/usage/costs"))
    assert f"Costs of Shop, {datetime.now(UTC):%B %Y}" in text
    assert "$2.10" in text
    assert "Orders v1 Checkout demo/smol 2 10 0 $2.10" in text


@pytest.mark.usefixtures("counted")
def test_what_its_apis_cost_others_is_hidden_from_a_viewer(as_user, member, publisher):
    assert "Hidden" in text_of(as_user(member).get("/usage/costs?team=payments"))
    assert "Hidden" not in text_of(as_user(publisher).get("/usage/costs?team=payments"))


def rows_of(response):
    return list(csv.DictReader(io.StringIO(response.content.decode())))


@pytest.mark.usefixtures("counted")
def test_the_csv_holds_every_line_and_no_hidden_money(as_user, shop, member):
    [bought] = rows_of(as_user(shop.buyer).get(f"/usage/costs?team=shop&month={THIS_MONTH}&format=csv"))
    assert (bought["Side"], bought["API"], bought["Cost USD"]) == ("consumed", "Orders", "2.100000000")
    [sold] = rows_of(as_user(member).get(f"/usage/costs?team=payments&month={THIS_MONTH}&format=csv"))
    assert (sold["Side"], sold["Calls"], sold["Cost USD"]) == ("provided", "2", "")


def test_a_month_without_calls_says_how_a_report_comes_to_be(as_user, member, roll_up):
    roll_up()
    assert "Nothing was called in" in text_of(as_user(member).get("/usage/costs"))
    assert "Nothing was called in January 2020" in text_of(as_user(member).get("/usage/costs?month=2020-01"))


@pytest.mark.parametrize("month", ["", "next", "2026-13", "0000-00"])
def test_a_month_there_is_not_is_this_one(as_user, member, month):
    text = text_of(as_user(member).get(f"/usage/costs?month={month}"))
    assert f"{datetime.now(UTC):%B %Y}" in text


def test_someone_without_a_team_learns_what_to_do(as_user, stranger):
    assert "you are in none" in text_of(as_user(stranger).get("/usage/costs"))


@pytest.mark.usefixtures("counted")
def test_another_teams_costs_are_404(as_user, shop):
    assert as_user(shop.buyer).get("/usage/costs?team=payments").status_code == 404


@pytest.mark.usefixtures("counted")
def test_with_the_worker_stopped_the_page_says_as_of_when_it_is(as_user, shop):
    client = as_user(shop.buyer)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=12)):
        text = text_of(client.get("/usage/costs"))
    assert "This report is as of" in text
    assert "$2.10" in text


def test_a_thousand_lines_take_as_many_queries_as_one(as_user, ship, roll_up, call_between, shop):
    client = as_user(shop.buyer)
    counts = []
    for count in (1, 1000):
        ship(*(finished(call_between(model=f"demo/m{n}")) for n in range(count)))
        roll_up()
        with CaptureQueriesContext(connection) as queries:
            response = client.get("/usage/costs")
        counts.append(len(queries))
    assert "1–25 of 1,000" in text_of(response)
    assert counts == [9, 9]


@pytest.mark.usefixtures("counted")
def test_a_department_sees_what_the_teams_below_it_spent_with_their_sum(
    as_user, shop, owner, team, make_user, stranger
):
    shop.team.parent, shop.team.ancestor_ids = team, [team.pk]
    shop.team.save()
    text = text_of(as_user(owner).get("/usage/costs?team=payments"))
    assert "Shop 2 $2.10" in text
    assert "All 2 teams 2 $2.10" in text
    # Who is in the team below alone sees its own report and no sum.
    assert "With the teams below" not in text_of(as_user(shop.buyer).get("/usage/costs?team=shop"))
    assert as_user(stranger).get("/usage/costs?team=shop").status_code == 404
