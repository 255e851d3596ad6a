from datetime import UTC, datetime, timedelta

import orjson
import pytest
import redis
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.dataplane.calls import new_call_id
from tests.usage.conftest import finished, started

from .test_overview import text_of

pytestmark = pytest.mark.django_db
VERDICT = "Refused by free@1, limit minute: 60 requests per minute, 61st call."


def test_a_refusal_is_explained_in_one_sentence_with_the_way_on(as_user, ship, call_between, shop):
    call = call_between(
        attempt=0, status=429, code="quota-exceeded", fault="policy", rule="free@1, limit minute", verdict=VERDICT
    )
    ship(finished(call))
    response = as_user(shop.buyer).get(f"/calls/{call.id}")
    text = text_of(response)
    assert VERDICT in text
    assert "Decided by a rule of the plan, rule free@1, limit minute" in text
    assert "Wait for the seconds in Retry-After" in text
    assert "/problems/quota-exceeded" in response.content.decode()
    assert f'data-copy="{settings.GATEHOUSE_CONSOLE_URL}/calls/{call.id}"' in response.content.decode()
    assert "style=" not in response.content.decode()


def test_a_served_call_has_a_timeline_tokens_and_cost(as_user, ship, call_between, shop):
    call = call_between(
        model="demo/smol",
        first_byte_ms=400.0,
        upstream_status=200,
        total_ms=1200.0,
        input_tokens=12,
        output_tokens=30,
        cost_nano=420_000,
        price_state="priced",
    )
    ship(finished(call))
    text = text_of(as_user(shop.buyer).get(f"/calls/{call.id}"))
    for part in ("Served: 200 after 1,200 ms", "First byte", "400 ms", "12 in, 30 out", "$0.00042", "Orders v1"):
        assert part in text


def test_a_verdict_alone_says_that_it_is_one(as_user, stranger):
    call_id = str(new_call_id())
    body = {"id": call_id, "at": 1.0, "status": 404, "code": "route-not-found", "fault": "caller", "path": "/nope"}
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        store.set(f"gh:verdict:{call_id}", orjson.dumps(body), ex=60)
    text = text_of(as_user(stranger).get(f"/calls/{call_id}"))
    assert "No published API has this path." in text
    assert "Only the verdict is known" in text
    assert "Copy the base URL" in text


def test_an_open_call_says_that_it_is_under_way(as_user, ship, call_between, shop):
    call = call_between()
    ship(started(call))
    assert "under way" in text_of(as_user(shop.buyer).get(f"/calls/{call.id}"))


@pytest.mark.parametrize("call_id", ["nonsense", "01a2112f-e245-7081-979d-b504203bf6a8", "x" * 900])
def test_an_unknown_id_says_what_may_be_the_reason(as_user, stranger, roll_up, call_id):
    roll_up()
    client = as_user(stranger)
    response = client.get(f"/calls/{call_id}")
    assert response.status_code == 404
    assert "older than 35 days, or not yours" in text_of(response)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=12)):
        assert "usage is 12 min behind" in text_of(client.get(f"/calls/{call_id}"))


def test_a_call_of_others_answers_as_an_unknown_one(as_user, ship, call_between, stranger, roll_up):
    roll_up()
    call = call_between()
    ship(finished(call))
    theirs = as_user(stranger).get(f"/calls/{call.id}")
    assert theirs.status_code == 404
    assert "not yours" in text_of(theirs)


def test_the_page_needs_a_sign_in(client):
    assert client.get(f"/calls/{new_call_id()}").status_code == 302


def test_a_call_takes_nine_queries(as_user, ship, call_between, shop):
    call = call_between()
    ship(finished(call))
    client = as_user(shop.buyer)
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/calls/{call.id}")
    assert len(queries) == 9
