import pytest

from apis.services.plans import create_plan
from apis.services.subscriptions import subscribe

pytestmark = pytest.mark.django_db
ANY = {"If-Match": "*"}
PLANS, SUBSCRIPTIONS = "/api/v1/plans", "/api/v1/subscriptions"
LIMITS = [{"id": "minute", "unit": "requests", "limit": 5, "window": "60s"}]


@pytest.fixture
def gold(published, publisher):
    return create_plan(api=published.api, name="Gold", limits=[], requires_approval=True, actor=publisher)


@pytest.fixture
def pending(application, published, gold, consumer):
    return subscribe(application=application, version=published, plan=gold, actor=consumer)


@pytest.fixture
def active(application, published, plan, consumer):
    return subscribe(application=application, version=published, plan=plan, actor=consumer)


def url(row, action=""):
    root = SUBSCRIPTIONS if row.public_id.startswith("sub_") else PLANS
    return f"{root}/{row.public_id}" + (f"/{action}" if action else "")


def test_everyone_reads_open_plans_and_the_team_closed_ones_too(plan, gold, api_as, publisher, stranger):
    query = {"api": plan.api.public_id}
    assert len(api_as(stranger).get(PLANS, query).json()["results"]) == 2
    client = api_as(publisher)
    assert client.patch(url(gold), {"is_open": False}, headers=ANY).json()["is_open"] is False
    assert [row["slug"] for row in api_as(stranger).get(PLANS, query).json()["results"]] == ["free"]
    assert api_as(stranger).get(url(gold)).status_code == 404
    assert client.get(url(gold)).status_code == 200
    assert api_as().get(PLANS).status_code == 401


def test_roles_decide_who_adds_plans(published, answers, by_role, api_as, publisher):
    body = {"api": published.api.public_id, "name": "Silver", "limits": LIMITS}
    assert answers("post", PLANS, body) == by_role(201, 409, 403, 403)


def test_roles_decide_who_changes_plans(plan, answers, by_role):
    assert answers("patch", url(plan), {"limits": LIMITS}, **ANY) == by_role(200, 200, 403, 403)
    assert answers("patch", url(plan), {"limits": LIMITS})["owner"] == 428


def test_wrong_limits_name_the_value_and_its_place(plan, api_as, publisher):
    body = {"limits": [{"id": "a", "limit": 5, "window": "1x"}]}
    response = api_as(publisher).patch(url(plan), body, headers=ANY)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert (error["pointer"], "'1x'" in error["detail"]) == ("/limits/0/window", True)


def test_a_subscription_is_made_and_a_second_one_names_it(application, published, plan, consumer, api_as):
    body = {"application": application.public_id, "version": published.public_id, "plan": plan.public_id}
    first = api_as(consumer).post(SUBSCRIPTIONS, body)
    assert (first.status_code, first.json()["state"]) == (201, "active")
    second = api_as(consumer).post(SUBSCRIPTIONS, body)
    assert (second.status_code, second.json()["code"]) == (409, "subscription-exists")
    assert second.json()["existing"] == first.json()["id"]


def test_others_cannot_subscribe_an_application_they_do_not_see(application, published, plan, answers, by_role):
    body = {"application": application.public_id, "version": published.public_id, "plan": plan.public_id}
    assert answers("post", SUBSCRIPTIONS, body) == by_role(404, 404, 404, 404)


def test_a_viewer_of_the_applications_team_is_told_the_role(
    application, published, plan, make_user, other_team, api_as
):
    viewer = make_user("viewer", other_team, "viewer")
    body = {"application": application.public_id, "version": published.public_id, "plan": plan.public_id}
    assert api_as(viewer).post(SUBSCRIPTIONS, body).status_code == 403


def test_both_sides_read_a_subscription_and_nobody_else(active, answers, by_role, api_as, consumer, stranger):
    assert answers("get", url(active)) == by_role(200, 200, 200, 200)
    assert api_as(consumer).get(url(active)).status_code == 200
    assert api_as(stranger).get(SUBSCRIPTIONS).json()["results"] == []


def test_lists_are_narrowed_by_application_version_and_state(active, api_as, consumer):
    client = api_as(consumer)
    for query in (
        {"application": active.application.public_id},
        {"version": active.version.public_id},
        {"state": "active"},
    ):
        assert [row["id"] for row in client.get(SUBSCRIPTIONS, query).json()["results"]] == [active.public_id]
    assert client.get(SUBSCRIPTIONS, {"state": "ended"}).json()["results"] == []


def test_roles_decide_who_approves(pending, answers, by_role, api_as, consumer):
    assert api_as(consumer).post(url(pending, "approve"), headers=ANY).status_code == 404
    assert answers("post", url(pending, "approve"), **ANY) == by_role(200, 409, 403, 403)


def test_roles_decide_who_rejects(pending, answers, by_role, api_as, publisher):
    assert api_as(publisher).post(url(pending, "reject"), {"reason": "No."}).status_code == 428
    assert answers("post", url(pending, "reject"), {"reason": "No."}, **ANY) == by_role(200, 409, 403, 403)


def test_either_side_ends_a_subscription(active, answers, api_as, consumer):
    statuses = answers("post", url(active, "end"), {"reason": "Misuse."}, **ANY)
    assert (statuses["owner"], statuses["publisher"]) == (200, 409)
    assert {statuses[name] for name in ("developer", "member", "stranger")} == {404}
    assert api_as(consumer).get(url(active)).json()["reason"] == "Misuse."


def test_a_try_it_token_is_for_the_applications_team(active, answers, by_role, api_as, consumer):
    response = api_as(consumer).post(url(active, "try-it"))
    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    assert response.json()["token"].startswith("gh_try_")
    assert response.json()["expires_in_seconds"] == 900
    assert answers("post", url(active, "try-it")) == by_role(404, 404, 404, 404)
