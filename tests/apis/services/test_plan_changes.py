from datetime import timedelta

import pytest

from apis.models import Subscription
from apis.services.plans import create_plan, update_plan
from apis.services.subscriptions import (
    approve_subscription,
    change_plan,
    end_subscription,
    lapse_requests,
    reject_subscription,
    resume_subscription,
    subscribe,
    suspend_subscription,
)
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def gold(published, publisher):
    return create_plan(api=published.api, name="Gold", limits=[], actor=publisher, requires_approval=True)


@pytest.fixture
def subscription(published, application, consumer, plan):
    return subscribe(application=application, version=published, plan=plan, actor=consumer)


def fresh(subscription):
    return Subscription.objects.select_related("plan", "wanted_plan", "application__team", "version__api__team").get(
        pk=subscription.pk
    )


def told(user) -> str:
    return Notice.objects.filter(user=user).latest("id").title


def test_a_plan_without_approval_changes_at_once(subscription, published, consumer, publisher, signals):
    wide = create_plan(api=published.api, name="Wide", limits=[], actor=publisher)
    signals.clear()
    change_plan(subscription=subscription, plan=wide, actor=consumer)
    assert (fresh(subscription).plan, fresh(subscription).state) == (wide, "active")
    assert [name for name, _ in signals] == ["subscription_changed"]


def test_the_old_plan_serves_until_the_new_one_is_approved(subscription, gold, plan, consumer, publisher):
    change_plan(subscription=subscription, plan=gold, actor=consumer)
    row = fresh(subscription)
    assert (row.state, row.plan, row.wanted_plan) == ("change_pending", plan, gold)
    assert told(publisher) == "Checkout asks for Orders v1"
    approve_subscription(subscription=row, actor=publisher)
    row = fresh(subscription)
    assert (row.state, row.plan, row.wanted_plan) == ("active", gold, None)
    assert told(consumer).endswith("is under the plan Gold now")


def test_a_refused_change_leaves_the_plan(subscription, gold, plan, consumer, publisher):
    change_plan(subscription=subscription, plan=gold, actor=consumer)
    reject_subscription(subscription=fresh(subscription), actor=publisher, reason="Not yet.")
    row = fresh(subscription)
    assert (row.state, row.plan, row.wanted_plan) == ("active", plan, None)
    assert Notice.objects.filter(user=consumer).latest("id").text == "Not yet."


def test_what_cannot_be_changed(subscription, gold, plan, consumer, member, stranger, publisher, make_api):
    other = make_api("Stock").plans.get()
    for chosen, error in ((plan, Conflict), (other, Invalid)):
        with pytest.raises(error):
            change_plan(subscription=subscription, plan=chosen, actor=consumer)
    update_plan(plan=gold, actor=publisher, is_open=False)
    with pytest.raises(Conflict, match="closed"):
        change_plan(subscription=subscription, plan=gold, actor=consumer)
    for person in (member, stranger):
        with pytest.raises(NotFound):
            change_plan(subscription=subscription, plan=gold, actor=person)


def test_each_step_wants_its_role_and_another_person(
    published, application, consumer, gold, publisher, owner, make_user
):
    update_plan(plan=gold, actor=publisher, approval_steps=["publisher", "owner"])
    row = subscribe(application=application, version=published, plan=gold, actor=consumer)
    approve_subscription(subscription=row, actor=publisher)
    assert fresh(row).state == "pending"
    assert told(owner) == "Checkout asks for Orders v1"
    with pytest.raises(NotAllowed, match="Only an owner"):
        approve_subscription(subscription=fresh(row), actor=publisher)
    approve_subscription(subscription=fresh(row), actor=owner)
    assert fresh(row).state == "active"
    assert [step.approver for step in row.approvals.all()] == [publisher, owner]


def test_one_person_takes_one_step(published, application, consumer, gold, owner, publisher):
    update_plan(plan=gold, actor=publisher, approval_steps=["owner", "owner"])
    row = subscribe(application=application, version=published, plan=gold, actor=consumer)
    approve_subscription(subscription=row, actor=owner)
    with pytest.raises(Conflict, match="another person decides"):
        approve_subscription(subscription=fresh(row), actor=owner)


@pytest.mark.parametrize("steps", [[], ["viewer"], ["owner"] * 6, "owner"])
def test_steps_without_sense_are_refused(gold, publisher, steps):
    with pytest.raises(Invalid):
        update_plan(plan=gold, actor=publisher, approval_steps=steps)


def test_a_request_lapses_when_nobody_answers(published, application, consumer, plan, gold, publisher, time_machine):
    row = subscribe(application=application, version=published, plan=gold, actor=consumer)
    assert lapse_requests() == 0
    time_machine.move_to(now() + timedelta(days=7, minutes=1))
    assert lapse_requests() == 1
    assert lapse_requests() == 0
    assert fresh(row).state == "cancelled"
    assert told(consumer).endswith("was not answered")
    again = subscribe(application=application, version=published, plan=plan, actor=consumer)
    change_plan(subscription=again, plan=gold, actor=consumer)
    time_machine.move_to(now() + timedelta(days=8))
    assert lapse_requests() == 1
    assert (fresh(again).state, fresh(again).plan) == ("active", plan)


def test_terms_are_accepted_or_nothing_is_subscribed(published, application, consumer, plan, publisher):
    update_plan(plan=plan, actor=publisher, terms="Be kind.")
    with pytest.raises(Invalid) as caught:
        subscribe(application=application, version=published, plan=plan, actor=consumer)
    assert caught.value.errors[0]["pointer"] == "/accepts_terms"
    row = subscribe(application=application, version=published, plan=plan, actor=consumer, accepts_terms=True)
    assert row.accepted_terms_at


def test_a_provider_suspends_with_a_reason_and_alone_resumes(subscription, publisher, consumer, member):
    with pytest.raises(Invalid):
        suspend_subscription(subscription=subscription, actor=publisher)
    suspend_subscription(subscription=subscription, actor=publisher, reason="Too loud.")
    assert told(consumer).endswith("is suspended")
    with pytest.raises(NotFound):
        resume_subscription(subscription=subscription, actor=consumer)
    resume_subscription(subscription=subscription, actor=publisher)
    assert fresh(subscription).state == "active"
    with pytest.raises(NotFound):
        suspend_subscription(subscription=subscription, actor=member, reason="x")


def test_its_own_team_pauses_and_resumes(subscription, consumer):
    suspend_subscription(subscription=subscription, actor=consumer)
    assert fresh(subscription).state == "suspended"
    resume_subscription(subscription=fresh(subscription), actor=consumer)
    assert fresh(subscription).state == "active"
    suspend_subscription(subscription=fresh(subscription), actor=consumer)
    end_subscription(subscription=fresh(subscription), actor=consumer)
    with pytest.raises(Conflict):
        resume_subscription(subscription=fresh(subscription), actor=consumer)


def test_over_rest_and_by_page(subscription, gold, plan, consumer, publisher, api_as, as_user):
    one = f"/api/v1/subscriptions/{subscription.public_id}"
    theirs, mine = api_as(consumer), api_as(publisher)
    changed = theirs.post(f"{one}/change-plan", {"plan": gold.public_id}, headers={"If-Match": "*"})
    assert (changed.json()["state"], changed.json()["wanted_plan"]) == ("change_pending", gold.public_id)
    page = as_user(publisher)
    assert "From plan Free to Gold" in page.get("/workspace/subscriptions").content.decode()
    page.post("/workspace/subscriptions", {"subscription": subscription.public_id, "verdict": "approve"})
    assert fresh(subscription).plan == gold
    held = mine.post(f"{one}/suspend", {"reason": "x"}, headers={"If-Match": "*"})
    assert held.json()["state"] == "suspended"
    assert mine.post(f"{one}/resume", headers={"If-Match": "*"}).json()["state"] == "active"
    subscriptions = "/workspace/payments/orders/subscriptions"
    page.post(subscriptions, {"subscription": subscription.public_id, "reason": "Too loud."})
    assert "Resume" in page.get(subscriptions).content.decode()
    page.post(subscriptions, {"subscription": subscription.public_id})
    base = f"/applications/{subscription.application.public_id}/subscriptions"
    client = as_user(consumer)
    client.post(f"{base}/{subscription.public_id}/pause")
    assert fresh(subscription).state == "suspended"
    client.post(f"{base}/{subscription.public_id}/pause")
    shown = client.get(f"{base}/{subscription.public_id}/plan").content.decode()
    assert "Keep Gold" in shown
    given = {"plan": plan.public_id, "form_token": "p" * 24}
    assert client.post(f"{base}/{subscription.public_id}/plan", given).status_code == 303
    assert fresh(subscription).plan == plan
