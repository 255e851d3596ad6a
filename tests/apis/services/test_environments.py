from datetime import timedelta

import pytest

from apis.models import Canary, Deployment, Environment
from apis.services.canaries import change_canary, end_canary, fall_back, start_canary
from apis.services.documents import save_draft
from apis.services.environments import create_environment, promote_revision, undeploy
from apis.services.releases import release_revision
from apis.services.reviews import review_revision, submit_for_review
from apis.services.revisions import discard_draft, start_revision
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from gateway.control.canaries import settle_canaries
from gateway.control.compiler import compile_version
from gateway.control.models import Worker
from teams.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def staging(db):
    return Environment.objects.create(slug="staging", name="Staging")


def compiled(version) -> dict[tuple[str, str], object]:
    version.refresh_from_db()
    return {(kind, key.partition("~")[2]): record for kind, key, record in compile_version(version) if record}


@pytest.fixture
def working(published, publisher, document):
    """A draft of the next revision, with another upstream."""
    revision = start_revision(version=published, actor=publisher)
    save_draft(revision=revision, source=document, upstream_url="https://new.internal", if_match="*", actor=publisher)
    revision.refresh_from_db()
    revision.version = published
    return revision


@pytest.fixture
def approved(working, published, publisher, owner, team):
    """The same, approved by somebody else."""
    team.required_approvals = 1
    team.save()
    published.api.team.refresh_from_db()
    submit_for_review(version=published, actor=publisher)
    working.refresh_from_db()
    working.version = published
    review_revision(revision=working, verdict="approved", actor=owner)
    working.refresh_from_db()
    working.version = published
    return working


def test_owners_are_offered_what_is_under_work_as_it_was_saved(published, working, publisher):
    records = compiled(published)
    assert records["route", "rev:2"].alternate == "rev:2"
    assert records["upstream", "rev:2"].base_url == "https://new.internal"
    save_draft(revision=working, upstream_url="https://newer.internal", if_match="*", actor=publisher)
    assert compiled(published)["upstream", "rev:2"].base_url == "https://newer.internal"
    working.refresh_from_db()
    discard_draft(revision=working, actor=publisher)
    assert ("route", "rev:2") not in compiled(published)


def test_a_frozen_revision_is_promoted_with_its_own_upstream_and_taken_out(
    published, approved, staging, publisher, member, stranger, signals
):
    for person, refusal in ((member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refusal):
            promote_revision(revision=approved, environment=staging, actor=person)
    signals.clear()
    deployment = promote_revision(
        revision=approved, environment=staging, upstream_url="https://staging.internal/v1/", actor=publisher
    )
    assert signals == [("version_changed", published)]
    records = compiled(published)
    assert records["route", "env:staging"].environment == "staging"
    assert records["route", "env:staging"].has_own_upstream
    assert records["upstream", "env:staging"].base_url == "https://staging.internal/v1"
    # Production goes on with its own.
    assert records["route", ""].revision == 1
    assert records["upstream", ""].base_url == "https://orders.internal"
    undeploy(deployment=deployment, actor=publisher)
    assert ("route", "env:staging") not in compiled(published)


def test_drafts_production_and_versions_that_are_not_served_are_refused(working, draft, staging, publisher):
    with pytest.raises(Conflict, match="is draft: send it for review first"):
        promote_revision(revision=working, environment=staging, actor=publisher)
    with pytest.raises(Invalid, match="Production is reached by a release"):
        promote_revision(revision=working, environment=Environment.objects.get(slug="production"), actor=publisher)
    with pytest.raises(Invalid):
        undeploy(deployment=Deployment.objects.get(version=working.version), actor=publisher)


def test_only_a_platform_admin_adds_an_environment_once(admin, owner):
    with pytest.raises(NotAllowed):
        create_environment(slug="dev", name="", actor=owner)
    assert create_environment(slug="dev", name="", actor=admin).name == "Dev"
    with pytest.raises(Conflict):
        create_environment(slug="dev", name="", actor=admin)


def test_a_trial_runs_changes_and_ends(published, approved, publisher, member):
    with pytest.raises(NotAllowed):
        start_canary(revision=approved, actor=member, percent=10)
    canary = start_canary(revision=approved, actor=publisher, percent=10, header="X-Trial")
    record = compiled(published)["route", "canary"]
    assert (record.revision, record.canary_percent, record.canary_header) == (2, 10, "X-Trial")
    with pytest.raises(Conflict, match="runs already"):
        start_canary(revision=approved, actor=publisher, percent=10)
    change_canary(canary=canary, percent=50, actor=publisher)
    assert compiled(published)["route", "canary"].canary_percent == 50
    end_canary(canary=canary, actor=publisher)
    assert ("route", "canary") not in compiled(published)
    with pytest.raises(Conflict):
        change_canary(canary=canary, percent=1, actor=publisher)


def test_where_no_approval_is_asked_for_one_person_tries_a_draft(published, working, publisher):
    start_canary(revision=working, actor=publisher, percent=5)
    working.refresh_from_db()
    assert working.state == "approved"
    assert compiled(published)["route", "canary"].revision == 2


def test_a_trial_that_becomes_current_is_over(published, approved, publisher):
    canary = start_canary(revision=approved, actor=publisher, percent=10)
    release_revision(revision=approved, actor=publisher)
    canary.refresh_from_db()
    assert canary.state == "promoted"
    assert compiled(published)["route", ""].revision == 2
    assert ("route", "canary") not in compiled(published)


@pytest.mark.parametrize("values", [{"percent": 101}, {"percent": 0}, {"percent": 5, "max_error_percent": 0}])
def test_a_trial_without_sense_is_refused(approved, publisher, values):
    with pytest.raises(Invalid):
        start_canary(revision=approved, actor=publisher, **values)


def test_a_revision_that_is_not_approved_or_breaks_callers_is_not_tried(working, published, publisher, owner, team):
    team.required_approvals = 1
    team.save()
    published.api.team.refresh_from_db()
    with pytest.raises(Conflict, match="one other person"):
        start_canary(revision=working, actor=publisher, percent=5)
    broken = working.source.replace("listOrders", "listOrders").replace('"/orders/{id}"', '"/items/{id}"')
    save_draft(revision=working, source=broken, if_match="*", actor=publisher)
    submit_for_review(version=published, actor=publisher)
    working.refresh_from_db()
    working.version = published
    review_revision(revision=working, verdict="approved", actor=owner)
    working.refresh_from_db()
    working.version = published
    with pytest.raises(Conflict) as caught:
        start_canary(revision=working, actor=publisher, percent=5)
    assert caught.value.code == "breaking-change"


def test_a_worker_s_word_ends_the_trial_everywhere_and_its_starter_is_told(published, approved, publisher):
    from common.clock import now

    start_canary(revision=approved, actor=publisher, percent=10)
    assert settle_canaries() == 0
    series = f'gatehouse_canary_fallback{{version="{published.public_id}",revision="2"}}'
    Worker.objects.create(
        node="n", worker="w", pid=1, generation=1, is_stale=False, started_at=now() - timedelta(1), reported_at=now(),
        stats={"canary_fallbacks": [series]},
    )  # fmt: skip
    assert settle_canaries() == 1
    assert settle_canaries() == 0
    canary = Canary.objects.get()
    assert canary.state == "fell_back"
    assert "More than 10 %" in canary.outcome
    assert ("route", "canary") not in compiled(published)
    assert "fell back" in Notice.objects.filter(user=publisher).latest("id").title
    assert not fall_back(canary=canary, outcome="again")


def test_over_rest(published, approved, staging, publisher, member, api_as, admin):
    client, base = api_as(publisher), f"/api/v1/versions/{published.public_id}"
    assert api_as(admin).post("/api/v1/environments", {"slug": "dev"}).status_code == 201
    assert client.post("/api/v1/environments", {"slug": "qa"}).status_code == 403
    given = {"environment": "staging", "revision": approved.public_id}
    assert api_as(member).post(f"{base}/deployments", given).status_code == 403
    assert client.post(f"{base}/deployments", given).status_code == 201
    rows = client.get(f"{base}/deployments").json()["results"]
    assert {(row["environment"], row["number"]) for row in rows} == {("production", 1), ("staging", 2)}
    assert client.delete(f"{base}/deployments/staging").status_code == 204
    made = client.post(f"{base}/canary", {"revision": approved.public_id, "percent": 5})
    assert (made.status_code, made.json()["state"]) == (201, "running")
    assert client.patch(f"{base}/canary", {"percent": 20}).json()["percent"] == 20
    assert client.delete(f"{base}/canary").status_code == 204
    assert client.get(f"{base}/canary").json()["state"] == "ended"
