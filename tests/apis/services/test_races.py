"""Of two that meet at one version, one happens whole and the other is told: state, audit and changelog agree."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from apis.models import Api, ApiVersion, CatalogEntry, Deployment, Plan, Release, Revision, Subscription, Transition
from apis.services.contracts import update_api
from apis.services.deprecation import deprecate_version
from apis.services.documents import save_draft
from apis.services.plans import create_plan, update_plan
from apis.services.publishing import publish_version
from apis.services.releases import release_revision, roll_back
from apis.services.retirement import restore_version, retire_version
from apis.services.reviews import review_revision, submit_for_review, withdraw_from_review
from apis.services.revisions import start_revision
from apis.services.subscriptions import approve_subscription, change_plan, end_subscription, subscribe
from apis.services.versions import create_version
from common.clock import now
from gateway.control.models import Change
from teams.models import Application, AuditEvent, Event, Notice
from tests.apis.races import DONE, at_once, overlap

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = range(3)


def fresh(version: ApiVersion) -> ApiVersion:
    return ApiVersion.objects.select_related("api__team").get(pk=version.pk)


def written(kind: str, key: str) -> dict | None:
    """Return what the changelog says last of a key."""
    return Change.objects.filter(kind=kind, key=key).order_by("-id").values_list("payload", flat=True).first()


def told(verb: str) -> int:
    return AuditEvent.objects.filter(verb=verb).count()


@pytest.fixture
def edit(publisher):
    """Return a maker of the next draft of a version, with one operation more."""

    def make(version: ApiVersion, path: str) -> Revision:
        revision = start_revision(version=fresh(version), actor=publisher)
        content = json.loads(revision.source)
        content["paths"][path] = {"get": {"summary": "More", "responses": {"200": {"description": "ok"}}}}
        save_draft(revision=revision, source=json.dumps(content), if_match="*", actor=publisher)
        return revision

    return make


def end_of(version: ApiVersion, actor) -> ApiVersion:
    """Deprecate and retire at once, as the team's notice of no days allows."""
    deprecate_version(version=fresh(version), sunset_at=now() + timedelta(seconds=5), actor=actor, reason="Enough")
    return retire_version(
        version=fresh(version), actor=actor, override_reason="Now", typed_name=f"{version.api.slug}/{version.name}"
    )


@pytest.mark.parametrize("_", TIMES)
def test_of_two_who_release_the_same_revision_one_does(published, edit, publisher, owner, _):
    pk = edit(published, "/more").pk

    def release(actor):
        return lambda: release_revision(revision=Revision.objects.get(pk=pk), actor=actor)

    outcomes = at_once(release(publisher), release(owner))
    assert sorted(outcomes) in ([DONE, "move-lost"], [DONE, "move-not-possible"])
    assert Release.objects.filter(version=published).count() == 2
    assert Deployment.objects.get(version=published).revision_id == pk
    assert told("revision.deploy") == 2
    assert Event.objects.filter(type="revision.released").count() == 2
    assert written("route", published.public_id)["revision"] == 2


def test_a_release_of_what_was_compared_with_another_revision_is_refused(published, edit, publisher, owner, team):
    first = edit(published, "/more")
    team.required_approvals = 1
    team.save()
    submit_for_review(version=fresh(published), actor=publisher)
    review_revision(revision=Revision.objects.get(pk=first.pk), verdict="approved", actor=owner)

    release_revision(revision=Revision.objects.get(pk=first.pk), actor=owner)
    second = edit(published, "/yet-more")
    submit_for_review(version=fresh(published), actor=publisher)
    review_revision(revision=Revision.objects.get(pk=second.pk), verdict="approved", actor=owner)
    outcomes = overlap(
        lambda: roll_back(revision=published.revisions.get(number=1), actor=publisher),
        lambda: release_revision(revision=Revision.objects.get(pk=second.pk), actor=owner),
    )
    assert outcomes == [DONE, "move-lost"]
    assert Deployment.objects.get(version=published).revision.number == 1
    assert Revision.objects.get(pk=second.pk).state == "approved"
    assert written("route", published.public_id)["revision"] == 1
    assert Event.objects.filter(type="revision.released").count() == 2


@pytest.mark.parametrize("_", TIMES)
def test_two_versions_of_an_api_are_published_at_once(published, publisher, owner, _):
    second = create_version(api=published.api, actor=publisher, copy_from=published)
    third = create_version(api=published.api, actor=publisher, copy_from=published)
    outcomes = at_once(
        lambda: publish_version(version=fresh(second), actor=publisher),
        lambda: publish_version(version=fresh(third), actor=owner),
    )
    assert outcomes == [DONE, DONE]
    for version in (second, third):
        assert written("route", version.public_id)["state"] == "published"
    assert CatalogEntry.objects.get(api=published.api).listed_id == third.pk


def test_a_release_never_follows_the_retirement_it_met(published, edit, publisher, owner):
    pk = edit(published, "/more").pk
    outcomes = overlap(
        lambda: end_of(published, owner),
        lambda: release_revision(revision=Revision.objects.get(pk=pk), actor=publisher),
    )
    assert outcomes == [DONE, "move-not-possible"]
    assert fresh(published).state == "retired"
    assert Revision.objects.get(pk=pk).state == "draft"
    assert Deployment.objects.get(version=published).revision.number == 1
    assert written("route", published.public_id)["state"] == "retired"
    assert told("revision.deploy") == 1


def test_a_roll_back_never_follows_the_retirement_it_met(published, edit, publisher, owner):
    release_revision(revision=edit(published, "/more"), actor=publisher)
    outcomes = overlap(
        lambda: end_of(published, owner),
        lambda: roll_back(revision=published.revisions.get(number=1), actor=publisher),
    )
    assert outcomes == [DONE, "move-not-possible"]
    assert Deployment.objects.get(version=published).revision.number == 2
    assert told("revision.roll_back") == 0


def test_a_release_beside_a_deprecation_keeps_its_headers(published, edit, publisher, owner):
    pk = edit(published, "/more").pk
    outcomes = overlap(lambda: close(published, owner), lambda: release_revision(
        revision=Revision.objects.get(pk=pk), actor=publisher
    ))  # fmt: skip
    assert outcomes == [DONE, DONE]
    record = written("route", published.public_id)
    assert (record["state"], record["revision"]) == ("deprecated", 2)
    assert record["sunset_at"]


def test_sharing_changed_beside_a_deprecation_keeps_its_headers(published, publisher, owner):
    outcomes = overlap(lambda: close(published, owner), lambda: share(published, "team", publisher))
    assert outcomes == [DONE, DONE]
    record = written("route", published.public_id)
    assert (record["state"], record["visibility"]) == ("deprecated", "teams")


def test_a_deprecation_beside_changed_sharing_keeps_it_too(published, publisher, owner):
    outcomes = overlap(lambda: share(published, "team", publisher), lambda: close(published, owner))
    assert outcomes == [DONE, DONE]
    record = written("route", published.public_id)
    assert (record["state"], record["visibility"]) == ("deprecated", "teams")


def share(version: ApiVersion, visibility: str, actor) -> Api:
    return update_api(api=Api.objects.select_related("team").get(pk=version.api_id), visibility=visibility, actor=actor)


def close(version, actor) -> ApiVersion:
    return deprecate_version(
        version=fresh(version), sunset_at=now() + timedelta(days=1), actor=actor, reason="Enough of it"
    )


def test_a_version_that_closes_first_takes_no_subscription(published, plan, application, consumer, owner):
    outcomes = overlap(
        lambda: close(published, owner),
        lambda: subscribe(application=application, version=fresh(published), plan=plan, actor=consumer),
    )
    assert outcomes == [DONE, "version-deprecated"]
    assert not Subscription.objects.exists()
    assert (told("subscription.create"), Change.objects.filter(kind="subscription").count()) == (0, 0)


def test_a_subscription_that_comes_first_is_seen_by_the_deprecation(published, plan, application, consumer, owner):
    outcomes = overlap(
        lambda: subscribe(application=application, version=fresh(published), plan=plan, actor=consumer),
        lambda: close(published, owner),
    )
    assert outcomes == [DONE, DONE]
    moved = Transition.objects.get(version=published, move="deprecate")
    assert moved.reason.startswith("Applications: 1,")
    assert Notice.objects.filter(user=consumer, title__contains="deprecated").exists()


@pytest.mark.parametrize("_", TIMES)
def test_no_subscription_is_younger_than_the_deprecation_it_met(published, plan, applications, consumer, owner, _):
    outcomes = at_once(
        lambda: close(published, owner),
        *[
            lambda row=row: subscribe(application=row, version=fresh(published), plan=plan, actor=consumer)
            for row in applications
        ],
    )
    assert outcomes[0] == DONE
    assert set(outcomes[1:]) <= {DONE, "version-deprecated"}
    subscribed = Subscription.objects.filter(version=published)
    assert subscribed.count() == outcomes[1:].count(DONE)
    closed = AuditEvent.objects.get(verb="version.deprecate").pk
    assert not AuditEvent.objects.filter(verb="subscription.create", pk__gt=closed).exists()
    assert {written("subscription", row.public_id)["state"] for row in subscribed} <= {"active"}
    assert CatalogEntry.objects.get(api=published.api).used_by == subscribed.count()


@pytest.fixture
def applications(other_team, consumer) -> list[Application]:
    return [Application.objects.create(team=other_team, name=f"App {n}", created_by=consumer) for n in range(4)]


def test_a_plan_that_closes_first_takes_no_subscription(published, plan, application, consumer, publisher):
    outcomes = overlap(
        lambda: update_plan(plan=Plan.objects.get(pk=plan.pk), is_open=False, actor=publisher),
        lambda: subscribe(application=application, version=fresh(published), plan=plan, actor=consumer),
    )
    assert outcomes == [DONE, "plan-closed"]
    assert not Subscription.objects.exists()


def test_a_plan_that_asks_for_approval_first_lets_nobody_in_without(published, plan, application, consumer, publisher):
    outcomes = overlap(
        lambda: update_plan(plan=Plan.objects.get(pk=plan.pk), requires_approval=True, actor=publisher),
        lambda: subscribe(application=application, version=fresh(published), plan=plan, actor=consumer),
    )
    assert outcomes == [DONE, DONE]
    assert Subscription.objects.get().state == "pending"


@pytest.fixture
def pending(published, plan, application, consumer, publisher) -> Subscription:
    update_plan(plan=plan, requires_approval=True, actor=publisher)
    return subscribe(application=application, version=published, plan=plan, actor=consumer)


def read(subscription: Subscription) -> Subscription:
    return Subscription.objects.get(pk=subscription.pk)


def test_an_approval_that_meets_a_deprecation_makes_nothing_active(pending, published, publisher, owner):
    outcomes = overlap(
        lambda: close(published, owner), lambda: approve_subscription(subscription=read(pending), actor=publisher)
    )
    assert outcomes == [DONE, "version-deprecated"]
    assert read(pending).state == "pending"
    assert not pending.approvals.exists()
    assert written("subscription", pending.public_id)["state"] == "pending"
    assert told("subscription.approve") == 0


def test_an_approval_that_meets_a_cancellation_leaves_no_trace(pending, consumer, publisher):
    outcomes = overlap(
        lambda: end_subscription(subscription=read(pending), actor=consumer),
        lambda: approve_subscription(subscription=read(pending), actor=publisher),
    )
    assert outcomes == [DONE, "move-not-possible"]
    assert read(pending).state == "cancelled"
    assert not pending.approvals.exists()


@pytest.fixture
def active(published, plan, application, consumer) -> Subscription:
    return subscribe(application=application, version=published, plan=plan, actor=consumer)


@pytest.fixture
def gold(published, publisher):
    return create_plan(api=published.api, name="Gold", limits=[], requires_approval=True, actor=publisher)


def test_an_end_after_a_wish_for_another_plan_ends_the_wish_too(active, gold, consumer, publisher):
    outcomes = overlap(
        lambda: change_plan(subscription=read(active), plan=gold, actor=consumer),
        lambda: end_subscription(subscription=read(active), actor=publisher),
    )
    assert outcomes == [DONE, DONE]
    row = read(active)
    assert (row.state, row.wanted_plan, row.decide_by) == ("ended", None, None)
    ended = AuditEvent.objects.filter(verb="subscription.end").first()
    assert ended.before == {"state": "change_pending"}
    assert written("subscription", active.public_id)["state"] == "ended"


def test_a_wish_for_another_plan_after_the_end_is_refused(active, gold, consumer, publisher):
    outcomes = overlap(
        lambda: end_subscription(subscription=read(active), actor=publisher),
        lambda: change_plan(subscription=read(active), plan=gold, actor=consumer),
    )
    assert outcomes == [DONE, "move-not-possible"]
    row = read(active)
    assert (row.state, row.wanted_plan) == ("ended", None)
    assert told("subscription.ask_change") == 0


@pytest.mark.parametrize("_", TIMES)
def test_ends_beside_a_retirement_do_not_wait_in_a_circle(published, plan, applications, consumer, owner, _):
    rows = [subscribe(application=row, version=fresh(published), plan=plan, actor=consumer) for row in applications]
    close(published, owner)

    def retire():
        retire_version(version=fresh(published), actor=owner, override_reason="Now", typed_name="orders/v1")

    ends = [lambda row=row: end_subscription(subscription=read(row), actor=consumer) for row in rows]
    outcomes = at_once(retire, *ends)
    assert outcomes[0] == DONE
    assert set(outcomes[1:]) <= {DONE, "move-not-possible"}
    assert {row.state for row in Subscription.objects.all()} == {"ended"}
    assert {written("subscription", row.public_id)["state"] for row in rows} == {"ended"}
    assert CatalogEntry.objects.get(api=published.api).used_by == 0


def test_what_was_wished_before_a_retirement_is_not_wished_after_its_restoration(
    active, gold, published, consumer, owner
):
    change_plan(subscription=active, plan=gold, actor=consumer)
    end_of(published, owner)
    restore_version(version=fresh(published), actor=owner)
    row = read(active)
    assert (row.state, row.wanted_plan, row.decide_by) == ("active", None, None)


@pytest.fixture
def in_review(team, published, edit, publisher) -> Revision:
    """The second revision of a published version, of a team that asks for two approvals."""
    revision = edit(published, "/more")
    team.required_approvals = 2
    team.save()
    submit_for_review(version=fresh(published), actor=publisher)
    return Revision.objects.get(pk=revision.pk)


def test_a_verdict_on_what_was_withdrawn_meanwhile_is_refused(in_review, published, publisher, owner):
    outcomes = overlap(
        lambda: withdraw_from_review(version=fresh(published), actor=publisher),
        lambda: review_revision(revision=Revision.objects.get(pk=in_review.pk), verdict="approved", actor=owner),
    )
    assert outcomes == [DONE, "move-not-possible"]
    assert not in_review.reviews.exists()
    assert told("review.approve") == 0
    assert sorted(published.revisions.values_list("state", flat=True)) == ["current", "draft", "superseded"]


def test_a_withdrawal_after_the_last_verdict_is_refused(in_review, team, published, publisher, owner):
    team.required_approvals = 1
    team.save()
    outcomes = overlap(
        lambda: review_revision(revision=Revision.objects.get(pk=in_review.pk), verdict="approved", actor=owner),
        lambda: withdraw_from_review(version=fresh(published), actor=publisher),
    )
    assert outcomes[0] == DONE
    assert outcomes[1] in ("move-lost", "move-not-possible")
    assert Revision.objects.get(pk=in_review.pk).state == "approved"
    assert told("revision.withdraw") == 0
    assert published.revisions.count() == 2


@pytest.mark.parametrize("_", TIMES)
def test_of_two_last_verdicts_both_count_and_one_approves(in_review, owner, make_user, team, _):
    other = make_user("other", team, "publisher")

    def judge(actor):
        return lambda: review_revision(revision=Revision.objects.get(pk=in_review.pk), verdict="approved", actor=actor)

    assert at_once(judge(owner), judge(other)) == [DONE, DONE]
    assert Revision.objects.get(pk=in_review.pk).state == "approved"
    assert AuditEvent.objects.filter(verb="revision.approve", object_id=in_review.public_id).count() == 1
