"""A version in other environments before production has it: who may put it there, what the gateways are told."""

import pytest

from apis.models import Api, ApiVersion, Deployment, Environment
from apis.selectors.environments import way_to_production
from apis.services.contracts import delete_api, update_api
from apis.services.environments import promote_revision, undeploy
from apis.services.preview import end_preview, start_preview
from apis.services.publishing import publish_version
from apis.services.reviews import reopen_draft, review_revision, submit_for_review, withdraw_from_review
from common.errors import Conflict, NotAllowed, NotFound
from gateway.control.compiler import compile_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def staging(db):
    return Environment.objects.create(slug="staging", name="Staging")


@pytest.fixture
def in_review(draft, publisher):
    submit_for_review(version=draft, actor=publisher)
    return draft


@pytest.fixture
def staged(in_review, staging, publisher):
    """The version whose first revision waits for its review and is in staging."""
    promote_revision(revision=in_review.revisions.get(), environment=staging, actor=publisher)
    return in_review


def compiled(version) -> dict[tuple[str, str], object]:
    version.refresh_from_db()
    return {(kind, key.partition("~")[2]): record for kind, key, record in compile_version(version) if record}


def test_a_first_revision_is_deployed_once_it_is_frozen_by_who_may_publish(
    draft, staging, publisher, member, stranger, signals
):
    revision = draft.revisions.get()
    with pytest.raises(Conflict, match="is draft: send it for review first"):
        promote_revision(revision=revision, environment=staging, actor=publisher)
    submit_for_review(version=draft, actor=publisher)
    revision = draft.revisions.get()
    for person, refusal in ((member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refusal):
            promote_revision(revision=revision, environment=staging, actor=person)
    signals.clear()
    promote_revision(revision=revision, environment=staging, actor=publisher)
    assert signals == [("version_changed", draft)]
    # Its state is as it was: nothing is published by that.
    assert ApiVersion.objects.get(pk=draft.pk).state == "in_review"


def test_the_gateways_hear_of_that_environment_alone_and_that_it_is_its_owners(staged, team):
    records = compiled(staged)
    assert set(records) == {("route", "env:staging"), ("upstream", "env:staging")}
    route = records["route", "env:staging"]
    assert (route.state, route.environment, route.beside) == ("in_review", "staging", staged.public_id)
    assert (route.visibility, route.team_ids) == ("teams", (team.public_id,))
    assert [row.operation_id for row in route.operations] == ["listOrders", "createOrder", "getOrder"]


def test_what_is_deployed_stays_while_work_goes_on(staged, publisher):
    withdraw_from_review(version=staged, actor=publisher)
    staged.refresh_from_db()
    assert [row.state for row in staged.revisions.order_by("number")] == ["superseded", "draft"]
    assert compiled(staged)["route", "env:staging"].revision == 1


def test_publication_adds_production_and_opens_staging_to_subscribers(staged, publisher):
    assert way_to_production(staged, staged.revisions.get()) == "publish?revision=1"
    publish_version(version=staged, revision=staged.revisions.get(), actor=publisher)
    records = compiled(staged)
    assert {name for kind, name in records if kind == "route"} == {"", "env:staging"}
    assert records["route", "env:staging"].visibility == "everyone"
    assert way_to_production(staged, staged.revisions.get()) == ""


def test_another_revision_than_the_one_meant_is_not_published(staged, publisher, application):
    meant = staged.revisions.get()
    withdraw_from_review(version=staged, actor=publisher)
    staged.refresh_from_db()
    assert way_to_production(staged, meant) == ""
    with pytest.raises(Conflict, match="Revision 1 is not the one to publish: it is revision 2 now"):
        publish_version(version=staged, revision=meant, actor=publisher)
    staged.refresh_from_db()
    assert staged.state == "draft"
    start_preview(version=staged, applications=[application], actor=publisher)
    with pytest.raises(Conflict, match="it is revision 2 now"):
        publish_version(version=staged, revision=meant, actor=publisher)


def test_where_others_approve_it_is_promoted_after_them(staged, team, publisher, owner):
    team.required_approvals = 1
    team.save()
    staged = ApiVersion.objects.select_related("api__team").get(pk=staged.pk)
    revision = staged.revisions.get()
    assert way_to_production(staged, revision) == ""
    revision.version = staged
    review_revision(revision=revision, verdict="approved", actor=owner)
    staged.refresh_from_db()
    assert way_to_production(staged, revision) == "publish?revision=1"
    reopen_draft(version=staged, actor=publisher)
    assert compiled(staged)["route", "env:staging"].revision == 1


def test_taken_out_nothing_is_left(staged, publisher):
    undeploy(deployment=staged.deployments.select_related("environment", "revision").get(), actor=publisher)
    assert compiled(staged) == {}


def test_the_end_of_a_preview_leaves_other_environments_alone(draft, staging, application, publisher):
    start_preview(version=draft, applications=[application], actor=publisher)
    promote_revision(revision=draft.revisions.get(), environment=staging, actor=publisher)
    end_preview(version=draft, actor=publisher)
    assert set(compiled(draft)) == {("route", "env:staging"), ("upstream", "env:staging")}


def test_a_base_path_changed_before_the_publication_moves_the_address_there(staged, publisher):
    api = Api.objects.get(pk=staged.api_id)
    update_api(api=api, base_path="/orders-eu", actor=publisher)
    staged = ApiVersion.objects.get(pk=staged.pk)
    assert compiled(staged)["route", "env:staging"].base_path == "/orders-eu"


def test_a_deleted_api_is_forgotten_by_the_gateways_first(staged, owner, signals):
    delete_api(api=Api.objects.get(pk=staged.api_id), actor=owner)
    assert [name for name, _ in signals] == ["version_changed"]
    assert not Deployment.objects.filter(version__api__slug="orders").exists()


def test_a_retired_version_goes_nowhere(published, staging, publisher):
    ApiVersion.objects.filter(pk=published.pk).update(state="retired")
    published.refresh_from_db()
    revision = published.revisions.get()
    with pytest.raises(Conflict, match="is retired: it is not deployed any more"):
        promote_revision(revision=revision, environment=staging, actor=publisher)


def test_over_rest(in_review, staging, publisher, member, stranger, api_as):
    base = f"/api/v1/versions/{in_review.public_id}"
    given = {"environment": "staging", "revision": in_review.revisions.get().public_id}
    assert api_as(member).post(f"{base}/deployments", given).status_code == 403
    assert api_as(stranger).post(f"{base}/deployments", given).status_code == 404
    client = api_as(publisher)
    assert client.post(f"{base}/deployments", given).status_code == 201
    assert [row["environment"] for row in client.get(f"{base}/deployments").json()["results"]] == ["staging"]
    etag = {"HTTP_IF_MATCH": client.get(base)["etag"]}
    assert client.post(f"{base}/publish", {"revision": "rev_none"}, **etag).status_code == 404
    answer = client.post(f"{base}/publish", {"revision": given["revision"]}, **etag)
    assert (answer.status_code, answer.json()["state"]) == (200, "published")
    assert {row["environment"] for row in client.get(f"{base}/deployments").json()["results"]} == {
        "production", "staging",
    }  # fmt: skip
