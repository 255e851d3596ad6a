import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from console.usage import cards
from tests.usage.conftest import finished

pytestmark = pytest.mark.django_db
LONG = (
    "An application with a name of one hundred and twenty characters, ‏عربي and 🎈, that goes on and on until it is over"
)


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", response.content.decode(), flags=re.S))


@pytest.fixture
def counted(ship, roll_up, call_between):
    ship(
        *(finished(call_between(total_ms=20.0, cost_nano=420_000, input_tokens=3)) for _ in range(3)),
        finished(call_between(status=502, fault="upstream", code="upstream-invalid", total_ms=30.0)),
    )
    roll_up()


@pytest.mark.usefixtures("counted")
def test_it_shows_six_numbers_two_charts_and_the_top_lists(as_user, shop):
    response = as_user(shop.buyer).get("/usage")
    text = text_of(response)
    assert response.content.decode().count("gh-number-card") == 6
    assert "Calls 4" in text
    assert "25.0 %" in text
    assert "$0.0013" in text
    assert "4 calls, 1 of them failed or refused." in text
    assert "95 of 100 calls took at most" in text
    assert "Checkout" in text
    assert "Orders" in text
    assert 'id="data-calls"' in response.content.decode()


@pytest.mark.usefixtures("counted")
def test_it_asks_for_no_style_attribute_or_inline_script(as_user, shop):
    for path in ("/usage", "/usage/costs"):
        page = as_user(shop.buyer).get(path).content.decode()
        assert "style=" not in page
        assert re.findall(r"<script(?![^>]*(?:src=|application/json))", page) == []


def test_without_calls_it_offers_a_longer_range_and_then_the_catalog(as_user, member, roll_up):
    roll_up()
    assert "No calls in the last 24 hours." in text_of(as_user(member).get("/usage"))
    assert "range=30d" in as_user(member).get("/usage").content.decode()
    assert "Open the catalog" in text_of(as_user(member).get("/usage?range=30d"))


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(("key", "is_in"), [("1h", False), ("24h", True), ("7d", True), ("30d", True), ("x", True)])
def test_the_range_is_in_the_url(as_user, shop, ship, roll_up, call_between, key, is_in):
    ship(finished(call_between(at=(datetime.now(UTC) - timedelta(hours=3)).timestamp(), model="demo/late")))
    roll_up()
    assert ("demo/late" in text_of(as_user(shop.buyer).get(f"/usage?range={key}"))) == is_in


@pytest.mark.usefixtures("counted")
def test_a_stranger_sees_no_call_of_others(as_user, stranger):
    assert "No calls" in text_of(as_user(stranger).get("/usage"))


@pytest.mark.usefixtures("counted")
def test_money_is_hidden_from_a_viewer_of_the_providing_team(as_user, member, publisher):
    assert "Hidden" in text_of(as_user(member).get("/usage"))
    assert "Hidden" not in text_of(as_user(publisher).get("/usage"))


@pytest.mark.usefixtures("counted")
def test_a_team_that_is_not_ones_own_is_404(as_user, shop, stranger):
    assert as_user(stranger).get(f"/usage?team={shop.team.slug}").status_code == 404
    assert as_user(shop.buyer).get(f"/usage?team={shop.team.slug}").status_code == 200


@pytest.mark.usefixtures("counted")
def test_with_the_worker_stopped_it_says_how_old_the_numbers_are(as_user, shop):
    client = as_user(shop.buyer)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=12)):
        text = text_of(client.get("/usage"))
    assert "Usage is as of" in text
    assert "The background worker has not counted since" in text


@pytest.mark.usefixtures("counted")
def test_a_failing_part_fails_alone(as_user, shop, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("canceling statement due to statement timeout")

    monkeypatch.setattr(cards, "top", fail)
    response = as_user(shop.buyer).get("/usage")
    text = text_of(response)
    assert response.status_code == 200
    assert "Applications could not be read" in text
    assert "Calls 4" in text
    assert "Try again" in text


def test_a_long_name_and_a_thousand_rows_are_shown_with_the_same_queries(as_user, ship, roll_up, call_between, shop):
    shop.application.name = LONG
    shop.application.save()
    client = as_user(shop.buyer)
    counts = []
    for count in (1, 1000):
        ship(*(finished(call_between(operation_id=f"op{n}", model=f"demo/m{n % 40}")) for n in range(count)))
        roll_up()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.get("/usage")
        counts.append(len(queries))
    assert LONG in text_of(response)
    assert counts == [15, 15]


@pytest.mark.usefixtures("counted")
def test_a_versions_usage_is_for_the_team_that_owns_it(as_user, version, member, shop, publisher):
    path = "/workspace/payments/orders/v1/usage"
    text = text_of(as_user(publisher).get(path))
    assert "Orders v1" in text
    assert "Calls 4" in text
    assert "Hidden" in text_of(as_user(member).get(path))
    assert as_user(shop.buyer).get(path).status_code == 404
    assert as_user(publisher).get("/workspace/payments/orders/v2/usage").status_code == 404
