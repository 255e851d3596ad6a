from datetime import timedelta

import pytest

from apis.models import Subscription
from apis.services.deprecation import deprecate_version
from apis.services.plans import create_plan, update_plan
from apis.services.subscriptions import approve_subscription, end_subscription, reject_subscription, subscribe
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import AuditEvent
from tests.apis.races import DONE, at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def gold(published, publisher):
    return create_plan(api=published.api, name="Gold", limits=[], requires_approval=True, actor=publisher)


def test_a_subscription_is_active_at_once_and_both_sides_find_it_in_their_audit(
    application, published, plan, consumer, signals, team, other_team
):
    subscription = subscribe(application=application, version=published, plan=plan, actor=consumer)
    assert (subscription.state, subscription.started_at is not None) == ("active", True)
    assert signals == [("subscription_changed", subscription)]
    entries = AuditEvent.objects.filter(verb="subscription.create")
    assert {entry.team for entry in entries} == {team, other_team}


def test_a_plan_with_approval_waits_for_the_owner(application, published, gold, consumer, publisher):
    subscription = subscribe(application=application, version=published, plan=gold, actor=consumer)
    assert (subscription.state, subscription.started_at) == ("pending", None)
    with pytest.raises(NotFound):
        approve_subscription(subscription=subscription, actor=consumer)
    approved = approve_subscription(subscription=subscription, actor=publisher)
    assert (approved.state, approved.decided_by) == ("active", publisher)
    with pytest.raises(Conflict, match="nothing to approve"):
        approve_subscription(subscription=subscription, actor=publisher)


def test_a_rejection_carries_its_reason_and_frees_the_place(
    application, published, gold, consumer, publisher, developer
):
    subscription = subscribe(application=application, version=published, plan=gold, actor=consumer)
    with pytest.raises(NotAllowed):
        reject_subscription(subscription=subscription, reason="No.", actor=developer)
    with pytest.raises(Invalid):
        reject_subscription(subscription=subscription, reason=" ", actor=publisher)
    assert reject_subscription(subscription=subscription, reason="Full.", actor=publisher).state == "rejected"
    assert subscribe(application=application, version=published, plan=gold, actor=consumer).state == "pending"


def test_a_second_subscription_names_the_first(application, published, plan, consumer):
    first = subscribe(application=application, version=published, plan=plan, actor=consumer)
    with pytest.raises(Conflict, match="already, under the plan Free") as caught:
        subscribe(application=application, version=published, plan=plan, actor=consumer)
    assert (caught.value.code, caught.value.context["existing"]) == ("subscription-exists", first.public_id)


def test_either_side_ends_a_subscription(application, published, plan, gold, consumer, publisher, member, stranger):
    subscription = subscribe(application=application, version=published, plan=plan, actor=consumer)
    for actor in (member, stranger):
        with pytest.raises(NotFound):
            end_subscription(subscription=subscription, actor=actor)
    assert end_subscription(subscription=subscription, actor=consumer).state == "ended"
    again = subscribe(application=application, version=published, plan=plan, actor=consumer)
    assert end_subscription(subscription=again, actor=publisher, reason="Misuse.").reason == "Misuse."
    waiting = subscribe(application=application, version=published, plan=gold, actor=consumer)
    assert end_subscription(subscription=waiting, actor=consumer).state == "cancelled"
    with pytest.raises(Conflict, match="nothing to end"):
        end_subscription(subscription=waiting, actor=consumer)


def test_a_deprecated_version_takes_no_new_subscription(application, published, plan, consumer, publisher):
    deprecate_version(version=published, sunset_at=now() + timedelta(days=9), reason="Old.", actor=publisher)
    with pytest.raises(Conflict, match="takes no new subscriptions") as caught:
        subscribe(application=application, version=published, plan=plan, actor=consumer)
    assert caught.value.code == "version-deprecated"


def test_a_draft_is_not_to_be_known_outside_and_takes_none_inside(application, draft, consumer, developer, team):
    plan = draft.api.plans.get()
    with pytest.raises(NotFound):
        subscribe(application=application, version=draft, plan=plan, actor=consumer)
    own = team.applications.create(name="Own", created_by=developer)
    with pytest.raises(Conflict, match="is draft"):
        subscribe(application=own, version=draft, plan=plan, actor=developer)


def test_a_closed_or_foreign_plan_is_refused(application, published, plan, consumer, publisher, make_api):
    with pytest.raises(Invalid, match="not one of Orders"):
        subscribe(application=application, version=published, plan=make_api("Other").plans.get(), actor=consumer)
    update_plan(plan=plan, is_open=False, actor=publisher)
    with pytest.raises(Conflict, match="closed to new"):
        subscribe(application=application, version=published, plan=plan, actor=consumer)


def test_an_application_of_a_team_that_does_not_see_the_api_is_refused(
    published, plan, publisher, make_user, other_team
):
    from apis.services.contracts import update_api
    from teams.models import Membership

    update_api(api=published.api, visibility="team", actor=publisher)
    Membership.objects.create(user=publisher, team=other_team, role="developer")
    application = other_team.applications.create(name="Web", created_by=publisher)
    with pytest.raises(Conflict, match="not shared with Web"):
        subscribe(application=application, version=published, plan=plan, actor=publisher)


def test_roles_decide_who_subscribes(application, published, plan, make_user, other_team, stranger):
    with pytest.raises(NotAllowed):
        subscribe(application=application, version=published, plan=plan, actor=make_user("v", other_team, "viewer"))
    with pytest.raises(NotFound):
        subscribe(application=application, version=published, plan=plan, actor=stranger)


@pytest.mark.django_db(transaction=True)
def test_of_two_subscriptions_at_once_one_stands_and_the_other_is_told(application, published, plan, consumer):
    outcomes = at_once(
        *[lambda: subscribe(application=application, version=published, plan=plan, actor=consumer) for _ in range(2)]
    )
    assert sorted(outcomes) == [DONE, "subscription-exists"]
    assert Subscription.objects.filter(application=application).count() == 1
