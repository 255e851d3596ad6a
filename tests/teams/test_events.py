from datetime import timedelta

import pytest
from django.db import connection, transaction

from common.clock import now
from teams.event_types import EVENT_TYPES, TYPE_OF_VERB
from teams.models import Event
from teams.services.audit import record_audit
from teams.services.events import drop_old_events, number_events, write_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_feed(db) -> None:
    """The built-in API told of itself when the tables were made."""
    Event.objects.all().delete()


def test_every_type_is_there_once_and_made_from_one_verb():
    assert len({known.name for known in EVENT_TYPES}) == len(EVENT_TYPES)
    assert len(TYPE_OF_VERB) == len([known for known in EVENT_TYPES if known.verb])


def test_an_audited_change_stands_in_the_feed_of_its_team(team, owner, api_as, stranger):
    record_audit(actor=owner, verb="key.revoke", target=team, team=team, after={"state": "revoked"})
    record_audit(actor=owner, verb="user.update", target=owner, team=None)
    answer = api_as(owner).get("/api/v1/events").json()["results"]
    assert [(row["type"], row["number"], row["actor_id"]) for row in answer] == [("key.revoked", 1, owner.public_id)]
    assert answer[0]["data"] == {"before": {}, "after": {"state": "revoked"}, "reason": ""}
    assert api_as(stranger).get("/api/v1/events").json()["results"] == []


def test_a_reader_goes_on_after_the_last_number(team, owner, api_as):
    for n in range(3):
        write_event(type="key.created", target=team, team=team, data={"n": n})
    client = api_as(owner)
    first = client.get("/api/v1/events?page_size=2").json()["results"]
    write_event(type="key.revoked", target=team, team=team)
    rest = client.get(f"/api/v1/events?after={first[-1]['number']}").json()["results"]
    assert [row["number"] for row in first + rest] == [1, 2, 3, 4]
    only = client.get("/api/v1/events?type=key.revoked").json()["results"]
    assert [row["type"] for row in only] == ["key.revoked"]


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_gets_a_later_number(team):
    from threading import Event as Flag
    from threading import Thread

    written, go_on = Flag(), Flag()

    def slow() -> None:
        with transaction.atomic():
            write_event(type="key.created", target=team, team=team, data={"who": "slow"})
            written.set()
            go_on.wait(10)
        connection.close()

    thread = Thread(target=slow)
    thread.start()
    assert written.wait(10)
    write_event(type="key.created", target=team, team=team, data={"who": "quick"})
    number_events()
    assert [row.data["who"] for row in Event.objects.exclude(number=None)] == ["quick"]
    go_on.set()
    thread.join()
    number_events()
    assert [row.data["who"] for row in Event.objects.order_by("number")] == ["quick", "slow"]
    assert Event.objects.order_by("id").first().data["who"] == "slow"


def test_old_events_go_and_numbers_go_on(team):
    for _ in range(3):
        write_event(type="key.created", target=team, team=team)
    number_events()
    Event.objects.update(at=now() - timedelta(days=31))
    assert drop_old_events() == 2
    write_event(type="key.created", target=team, team=team)
    number_events()
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == [3, 4]
