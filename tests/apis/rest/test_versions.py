from datetime import timedelta

import pytest

from apis.models import ApiVersion
from apis.ports import Caller
from apis.services.deprecation import deprecate_version
from apis.services.plans import create_plan
from apis.services.publishing import publish_version
from apis.services.reviews import submit_for_review
from common.clock import now

pytestmark = pytest.mark.django_db
ANY = {"If-Match": "*"}


def url(version, action=""):
    return f"/api/v1/versions/{version.public_id}" + (f"/{action}" if action else "")


def state(version):
    return ApiVersion.objects.get(pk=version.pk).state


def test_versions_are_listed_by_api_and_state(published, draft, api_as, stranger, member):
    query = {"api": published.api.public_id}
    assert len(api_as(stranger).get("/api/v1/versions", query).json()["results"]) == 1
    assert api_as(member).get("/api/v1/versions", query | {"state": "draft"}).json()["results"] == []
    assert api_as().get("/api/v1/versions").status_code == 401


def test_a_version_says_where_it_is_called(published, api_as, stranger, settings):
    response = api_as(stranger).get(url(published))
    assert response.json()["url"] == f"{settings.GATEHOUSE_GATEWAY_URL}/payments/orders/v1"
    assert response["ETag"] == f'"{published.row_version}"'


def test_a_draft_is_read_by_its_team_alone(draft, answers, by_role):
    assert answers("get", url(draft)) == by_role(200, 200, 200, 200)
    assert answers("get", url(draft, "document")) == by_role(200, 200, 200, 200)


def test_the_document_names_the_gateway_as_its_server(published, api_as, stranger):
    document = api_as(stranger).get(url(published, "document")).json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"][0]["url"].endswith("/payments/orders/v1")
    assert "orders.internal" not in str(document)


def test_moves_impact_and_revisions_are_the_teams_alone(published, answers, by_role, callers):
    callers.append(Caller("app_1", "Mobile", "Apps", "apps@example.com", 9, 2, now()))
    for action in ("moves", "impact"):
        assert answers("get", url(published, action)) == by_role(200, 200, 200, 200)


def test_the_impact_counts_applications_and_calls(published, api_as, member, callers):
    callers.append(Caller("app_1", "Mobile", "Apps", "apps@example.com", 9, 2, now()))
    body = api_as(member).get(url(published, "impact")).json()
    assert (body["applications"], body["calls_30_days"], body["rows"][0]["application_name"]) == (1, 9, "Mobile")


def test_revisions_of_a_version_are_listed_for_its_team(published, api_as, member, stranger):
    path = url(published, "revisions")
    (revision,) = api_as(member).get(path).json()["results"]
    assert (revision["state"], revision["number"]) == ("current", 1)
    assert api_as(stranger).get(path).json()["results"] == []
    assert api_as().get(path).status_code == 401


def test_roles_decide_who_publishes(draft, answers, by_role, api_as, publisher):
    assert answers("post", url(draft, "publish"), **ANY) == by_role(200, 409, 403, 403, 404) | {"stranger": 404}
    assert state(draft) == "published"


def test_moves_need_the_etag_that_was_read(draft, api_as, publisher, seen):
    client = api_as(publisher)
    etag = seen(client, url(draft))
    assert client.post(url(draft, "publish")).status_code == 428
    response = client.post(url(draft, "publish"), headers=etag)
    assert (response.status_code, response.json()["state"]) == (200, "published")
    stale = client.post(url(draft, "deprecate"), {"sunset_at": "2099-01-01T00:00:00Z"}, headers=etag)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")


def test_what_is_missing_is_listed_as_reasons(make_api, api_as, publisher):
    version = make_api("Empty", source="", upstream="").versions.get()
    response = api_as(publisher).post(url(version, "publish"), headers=ANY)
    assert (response.status_code, response.json()["code"]) == (409, "guard-failed")
    assert len(response.json()["reasons"]) == 2


def test_a_review_goes_from_draft_to_approved_by_another_person(team, draft, api_as, developer, publisher, owner):
    team.required_approvals = 1
    team.save()
    version = ApiVersion.objects.get(pk=draft.pk)
    revision = version.revisions.get()
    path = f"/api/v1/revisions/{revision.public_id}/review"
    assert api_as(developer).post(url(version, "submit"), headers=ANY).json()["state"] == "in_review"
    own = api_as(publisher).post(path, {"verdict": "approved"}, headers=ANY)
    assert (own.status_code, own.json()["code"]) == (409, "guard-failed")
    assert api_as(owner).post(path, {"verdict": "approved"}).status_code == 428
    assert api_as(owner).post(path, {"verdict": "approved"}, headers=ANY).status_code == 201
    assert state(version) == "approved"
    assert api_as(publisher).post(url(version, "reopen"), headers=ANY).json()["state"] == "draft"
    assert api_as(developer).post(url(version, "submit"), headers=ANY).json()["state"] == "in_review"
    assert api_as(developer).post(url(version, "withdraw"), headers=ANY).json()["state"] == "draft"


@pytest.mark.parametrize(
    ("action", "allowed"), [("submit", "developer"), ("withdraw", "developer"), ("reopen", "publisher")]
)
def test_roles_decide_who_moves_a_draft(draft, answers, action, allowed):
    statuses = answers("post", url(draft, action), **ANY)
    assert (statuses["member"], statuses["stranger"], statuses["nobody"]) == (403, 404, 401)
    assert (statuses["developer"] == 403) is (allowed == "publisher")


def test_roles_decide_who_reviews(draft, publisher, answers):
    submit_for_review(version=draft, actor=publisher)
    path = f"/api/v1/revisions/{draft.revisions.get().public_id}/review"
    statuses = answers("post", path, {"verdict": "rejected", "comment": "No."}, **ANY)
    assert statuses == {
        "owner": 201, "publisher": 409, "developer": 403, "member": 403, "stranger": 404, "nobody": 401,
    }  # fmt: skip


def test_roles_decide_who_deprecates_and_undoes(published, answers, by_role, api_as, owner):
    body = {"sunset_at": (now() + timedelta(days=9)).isoformat(), "reason": "Old."}
    assert answers("post", url(published, "deprecate"), body, **ANY) == by_role(200, 409, 403, 403)
    assert answers("post", url(published, "undo-deprecation"), **ANY) == by_role(200, 409, 403, 403)
    assert state(published) == "published"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/sunset_at"),
        ({"sunset_at": "soon", "reason": "x"}, "/sunset_at"),
        ({"sunset_at": "2001-01-01T00:00:00Z", "reason": "x"}, "/sunset_at"),
        ({"sunset_at": "2099-01-01T00:00:00Z"}, "/reason"),
    ],
)
def test_a_wrong_deprecation_names_its_field(published, api_as, publisher, body, pointer):
    response = api_as(publisher).post(url(published, "deprecate"), body, headers=ANY)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


def test_an_unknown_successor_is_not_found(published, api_as, publisher):
    body = {"sunset_at": "2099-01-01T00:00:00Z", "successor": "ver_none"}
    assert api_as(publisher).post(url(published, "deprecate"), body, headers=ANY).status_code == 404


def test_retiring_early_takes_the_override_and_can_be_undone(published, publisher, answers, by_role, api_as):
    deprecate_version(version=published, sunset_at=now() + timedelta(days=9), reason="Old.", actor=publisher)
    refused = api_as(publisher).post(url(published, "retire"), headers=ANY)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/override_reason", "/typed_name"]
    body = {"override_reason": "Leak.", "typed_name": "orders/v1"}
    assert answers("post", url(published, "retire"), body, **ANY) == by_role(200, 409, 403, 403)
    assert state(published) == "retired"
    assert answers("post", url(published, "restore"), **ANY) == by_role(200, 409, 403, 403)


def test_roles_decide_who_blocks_and_lifts(published, api_as, publisher, answers, by_role):
    assert api_as(publisher).post(url(published, "block"), {}, headers=ANY).status_code == 422
    body = {"reason": "Leak.", "until": "2099-01-01T00:00:00Z"}
    assert answers("post", url(published, "block"), body, **ANY) == by_role(200, 409, 403, 403)
    assert api_as(publisher).get(url(published)).json()["blocked_reason"] == "Leak."
    assert answers("post", url(published, "lift-block"), **ANY) == by_role(200, 409, 403, 403)


def test_roles_decide_who_previews_and_ends_it(draft, application, api_as, publisher, answers, by_role):
    body = {"applications": [application.public_id]}
    assert api_as(publisher).post(url(draft, "preview"), {"applications": []}, headers=ANY).status_code == 422
    assert api_as(publisher).post(url(draft, "preview"), {"applications": ["app_x"]}, headers=ANY).status_code == 422
    # The second call changes the list of the preview that the first one started.
    assert answers("post", url(draft, "preview"), body, **ANY) == by_role(200, 200, 403, 403)
    assert state(draft) == "preview"
    assert answers("post", url(draft, "end-preview"), **ANY) == by_role(200, 409, 403, 403)


def test_roles_decide_who_archives(published, publisher, answers, by_role):
    from apis.services.retirement import retire_version

    deprecate_version(version=published, sunset_at=now() + timedelta(days=9), reason="Old.", actor=publisher)
    retire_version(version=published, override_reason="x", typed_name="orders/v1", actor=publisher)
    assert answers("post", url(published, "archive"), **ANY) == by_role(200, 409, 403, 403)


def test_one_step_gives_a_key_that_no_cache_keeps(published, api_as, consumer):
    response = api_as(consumer).post(url(published, "key"), {})
    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    assert response.json()["key"].startswith("gh_live_")


def test_roles_decide_who_gets_a_key(published, answers, by_role):
    assert answers("post", url(published, "key"), {}) == by_role(201, 201, 201, 403, 403)


def test_a_key_may_name_application_team_and_plan(published, publisher, api_as, consumer, other_team):
    plan = create_plan(api=published.api, name="Gold", limits=[], actor=publisher)
    body = {"application_name": "Web", "team": other_team.slug, "plan": plan.public_id}
    answer = api_as(consumer).post(url(published, "key"), body).json()
    subscription = api_as(consumer).get(f"/api/v1/subscriptions/{answer['subscription']}").json()
    assert subscription["plan"] == plan.public_id
    assert api_as(consumer).post(url(published, "key"), {"team": "payments"}).status_code == 404
    assert api_as(consumer).post(url(published, "key"), {"plan": "plan_none"}).status_code == 404


def test_two_publications_of_one_reading_give_one_412(draft, api_as, publisher, owner, seen):
    etag = seen(api_as(owner), url(draft))
    assert api_as(publisher).post(url(draft, "publish"), headers=etag).status_code == 200
    assert api_as(owner).post(url(draft, "publish"), headers=etag).status_code == 412


def test_a_tombstone_is_listed_and_says_when_it_was_retired(published, publisher, api_as, stranger, consumer):
    from apis.services.retirement import retire_version

    deprecate_version(version=published, sunset_at=now() + timedelta(days=9), reason="Old.", actor=publisher)
    retire_version(version=published, override_reason="x", typed_name="orders/v1", actor=publisher)
    body = api_as(stranger).get(url(published)).json()
    assert (body["state"], body["retired_at"] is not None) == ("retired", True)
    refused = api_as(consumer).post(url(published, "key"), {})
    assert (refused.status_code, refused.json()["code"]) == (409, "version-not-open")
    with pytest.raises(Exception, match="It is retired"):
        publish_version(version=published, actor=publisher)
