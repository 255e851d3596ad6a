from datetime import timedelta

import pytest

from apis.models import ApiVersion, DeprecationNotice, SunsetReminder
from apis.ports import Caller
from apis.services.blocking import block_version, lift_block
from apis.services.brownouts import cancel_brownout, plan_brownout
from apis.services.deprecation import deprecate_version, undo_deprecation
from apis.services.farewell import acknowledge_deprecation, send_due_reminders, write_to_callers
from apis.services.retirement import restore_version, retire_version
from apis.services.subscriptions import subscribe
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import Event, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscribed(published, application, consumer, plan):
    subscribe(application=application, version=published, plan=plan, actor=consumer)
    Notice.objects.all().delete()
    return published


def deprecate(version, actor, days=100):
    return deprecate_version(version=version, sunset_at=now() + timedelta(days=days), reason="Old.", actor=actor)


def told(user) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("id").values_list("title", flat=True))


def types_of(team) -> list[str]:
    return list(
        Event.objects.filter(team=team, type__startswith="version.").order_by("id").values_list("type", flat=True)
    )


def test_who_uses_it_is_told_with_the_dates_and_the_way_on(subscribed, publisher, consumer, other_team, stranger):
    other_team.contact_email = "web@example.com"
    other_team.save()
    deprecate(subscribed, publisher)
    notice = Notice.objects.get(user=consumer)
    assert "it stops after" in notice.title
    assert "Old." in notice.text
    assert "Used by Checkout of Web." in notice.text
    assert Notice.objects.filter(address="web@example.com").count() == 1
    assert told(stranger) == []
    event = Event.objects.get(team=other_team, type="version.deprecated")
    assert event.data["sunset_at"] == subscribed.sunset_at.isoformat()
    # The owner's own feed has it once.
    assert types_of(subscribed.api.team).count("version.deprecated") == 1


def test_an_application_that_calls_is_noted_with_its_calls(subscribed, publisher, application, callers):
    callers.append(Caller(application.public_id, "Checkout", "Web", "", 1204, 3, now()))
    deprecate(subscribed, publisher)
    assert DeprecationNotice.objects.get().calls_30_days == 1204


def test_reminders_that_lie_ahead_are_planned_and_sent_once(subscribed, publisher, consumer, time_machine):
    deprecate(subscribed, publisher, days=40)
    assert list(SunsetReminder.objects.values_list("days", flat=True)) == [30, 7, 1]
    assert send_due_reminders() == 0
    time_machine.move_to(now() + timedelta(days=10, minutes=1))
    assert send_due_reminders() == 1
    assert send_due_reminders() == 0
    assert told(consumer)[-1] == "Orders v1 stops in 30 days"
    time_machine.move_to(now() + timedelta(days=29))
    assert send_due_reminders() == 2
    assert told(consumer)[-1] == "Orders v1 stops in less than a day"


def test_nobody_is_reminded_of_what_was_taken_back(subscribed, publisher, consumer, time_machine):
    deprecate(subscribed, publisher, days=40)
    undo_deprecation(version=subscribed, actor=publisher)
    assert told(consumer)[-1] == "The deprecation of Orders v1 was taken back"
    time_machine.move_to(now() + timedelta(days=39))
    assert send_due_reminders() == 0
    assert not DeprecationNotice.objects.exists()


def test_a_deprecation_can_follow_one_that_was_taken_back(subscribed, publisher):
    deprecate(subscribed, publisher)
    undo_deprecation(version=subscribed, actor=publisher)
    deprecate(subscribed, publisher)
    assert DeprecationNotice.objects.count() == 1


def test_a_team_takes_note_once(subscribed, publisher, consumer, application, member, stranger):
    deprecate(subscribed, publisher)
    for person in (stranger, member):
        with pytest.raises(NotFound):
            acknowledge_deprecation(version=subscribed, application=application, actor=person)
    first = acknowledge_deprecation(version=subscribed, application=application, actor=consumer)
    again = acknowledge_deprecation(version=subscribed, application=application, actor=consumer)
    assert first.acknowledged_at == again.acknowledged_at
    assert first.acknowledged_by == consumer
    assert "version.acknowledged" in types_of(subscribed.api.team)


def test_a_block_its_end_a_retirement_and_a_restoration_are_told(subscribed, publisher, consumer, other_team):
    block_version(version=subscribed, actor=publisher, reason="A leak.")
    lift_block(version=subscribed, actor=publisher)
    deprecate(subscribed, publisher, days=1)
    retire_version(version=subscribed, actor=publisher, override_reason="Now.", typed_name="orders/v1")
    restore_version(version=subscribed, actor=publisher)
    assert told(consumer)[0] == "Orders v1 is blocked"
    assert told(consumer)[-2:] == ["Orders v1 was retired", "Orders v1 is served again"]
    assert types_of(other_team) == [
        "version.blocked", "version.block_lifted", "version.deprecated", "version.retired", "version.restored",
    ]  # fmt: skip


def test_a_message_goes_to_who_uses_it(subscribed, publisher, member, consumer):
    with pytest.raises(Invalid):
        write_to_callers(version=subscribed, actor=publisher, text=" ")
    with pytest.raises(NotAllowed):
        write_to_callers(version=subscribed, actor=member, text="Hi")
    assert write_to_callers(version=subscribed, actor=publisher, text="Please move.") == 1
    assert told(consumer) == ["Payments writes about Orders v1"]


def test_a_brownout_is_told_kept_apart_and_cancelled(subscribed, publisher, consumer, member, signals):
    start = now() + timedelta(hours=2)
    with pytest.raises(Conflict, match="Only a deprecated version"):
        plan_brownout(version=subscribed, starts_at=start, minutes=10, actor=publisher)
    deprecate(subscribed, publisher)
    signals.clear()
    brownout = plan_brownout(version=subscribed, starts_at=start, minutes=10, actor=publisher)
    assert signals == [("version_changed", subscribed)]
    assert told(consumer)[-1] == "Orders v1 will refuse calls for 10 minutes"
    with pytest.raises(Invalid, match="overlaps"):
        plan_brownout(version=subscribed, starts_at=start + timedelta(minutes=9), minutes=10, actor=publisher)
    with pytest.raises(NotAllowed):
        cancel_brownout(brownout=brownout, actor=member)
    cancel_brownout(brownout=brownout, actor=publisher)
    assert not subscribed.brownouts.exists()


@pytest.mark.parametrize(
    ("after", "minutes", "match"),
    [
        (timedelta(minutes=5), 10, "an hour from now"),
        (timedelta(days=99, hours=23, minutes=55), 10, "after the sunset"),
        (timedelta(hours=2), 0, "between 1 and 1,440"),
    ],
)
def test_a_brownout_lies_within_the_deprecation(subscribed, publisher, after, minutes, match):
    deprecate(subscribed, publisher)
    with pytest.raises(Invalid, match=match):
        plan_brownout(version=subscribed, starts_at=now() + after, minutes=minutes, actor=publisher)


def test_over_rest(subscribed, publisher, consumer, application, stranger, api_as):
    base = f"/api/v1/versions/{subscribed.public_id}"
    deprecate(subscribed, publisher)
    mine, theirs = api_as(publisher), api_as(consumer)
    start = (now() + timedelta(hours=3)).isoformat()
    made = mine.post(f"{base}/brownouts", {"starts_at": start, "minutes": 5})
    assert made.status_code == 201
    # Who may see the version may know its brownouts, and plans none.
    assert [row["id"] for row in theirs.get(f"{base}/brownouts").json()["results"]] == [made.json()["id"]]
    assert theirs.post(f"{base}/brownouts", {"starts_at": start, "minutes": 5}).status_code == 404
    noted = theirs.post(f"{base}/acknowledge", {"application": application.public_id})
    assert noted.status_code == 200
    rows = mine.get(f"{base}/deprecation-notices").json()["results"]
    assert [(row["application_name"], bool(row["acknowledged_at"])) for row in rows] == [("Checkout", True)]
    assert theirs.get(f"{base}/deprecation-notices").status_code == 404
    assert mine.post(f"{base}/messages", {"text": "Move."}).json() == {"applications": 1}
    assert mine.delete(f"{base}/brownouts/{made.json()['id']}").status_code == 204
    subscribed.api.visibility = "team"
    subscribed.api.save()
    assert api_as(stranger).get(f"{base}/brownouts").status_code == 404
    assert ApiVersion.objects.get(pk=subscribed.pk).brownouts.count() == 0
