"""Releases by the REST API: the gate, the release, the way back, each tried by every role."""

import json

import pytest

from apis.services.documents import save_draft
from apis.services.revisions import start_revision

pytestmark = pytest.mark.django_db
ANY = {"If-Match": "*"}


@pytest.fixture
def revision(published, document, publisher):
    """A working copy of the published version that lost an operation."""
    changed = json.loads(document)
    del changed["paths"]["/orders"]["post"]
    revision = start_revision(version=published, actor=publisher)
    save_draft(revision=revision, source=json.dumps(changed), if_match="*", actor=publisher)
    return revision


def url(revision, suffix=""):
    return f"/api/v1/revisions/{revision.public_id}{suffix}"


def test_the_gate_tells_what_would_break_and_what_becomes_of_it(revision, api_as, member, answers, by_role):
    assert answers("get", url(revision, "/gate")) == by_role(200, 200, 200, 200)
    body = api_as(member).get(url(revision, "/gate")).json()
    assert (body["level"], body["outcome"]) == ("breaking", "version")
    first = body["changes"][0]
    assert (first["change"]["code"], first["change"]["path"], first["waiver"]) == ("operation-removed", "/orders", None)


def test_a_working_copy_is_started_and_discarded_by_developers(published, api_as, developer, answers, by_role):
    path = f"/api/v1/versions/{published.public_id}/revisions"
    assert answers("post", path) == by_role(201, 201, 201, 403)
    draft = next(row for row in api_as(developer).get(path).json()["results"] if row["state"] == "draft")
    assert (draft["number"], draft["state"]) == (2, "draft")
    path = f"/api/v1/revisions/{draft['id']}"
    assert api_as(developer).delete(path).status_code == 428
    assert api_as(developer).delete(path, headers=ANY).status_code == 204
    assert api_as(developer).get(path).status_code == 404


def test_a_break_is_refused_with_its_changes_until_an_owner_waives_it(revision, api_as, publisher, owner):
    refused = api_as(publisher).post(url(revision, "/release"), {}, headers=ANY)
    assert (refused.status_code, refused.json()["code"]) == (409, "breaking-change")
    key = refused.json()["changes"][0]["key"]
    waiver = {"key": key, "reason": "Unused.", "expires_at": "2099-01-01T00:00:00Z"}
    assert api_as(publisher).post(url(revision, "/waivers"), waiver, headers=ANY).status_code == 403
    assert api_as(owner).post(url(revision, "/waivers"), waiver, headers=ANY).status_code == 201
    gate = api_as(publisher).get(url(revision, "/gate")).json()
    assert gate["outcome"] == "revision"
    ticks = [row["change"]["key"] for row in gate["changes"] if row["change"]["level"] == "risky"]
    released = api_as(publisher).post(url(revision, "/release"), {"accepted": ticks}, headers=ANY)
    assert (released.status_code, released.json()["number"]) == (201, 2)


def test_releases_are_the_changelog_and_lead_back(revision, published, document, publisher, api_as, answers, by_role):
    save_draft(revision=revision, source=document.replace("Takes", "Took"), if_match="*", actor=publisher)
    client = api_as(publisher)
    assert client.post(url(revision, "/release"), {"note": "Wording."}, headers=ANY).status_code == 201
    path = f"/api/v1/versions/{published.public_id}/releases"
    assert answers("get", path) == by_role(200, 200, 200, 200, 200)
    assert [row["note"] for row in client.get(path).json()["results"]] == ["Wording.", ""]
    first = published.revisions.get(number=1)
    assert answers("post", url(first, "/roll-back"), {}, **ANY) == by_role(201, 409, 403, 403)
    assert client.get(path).json()["results"][0]["kind"] == "roll_back"


def test_a_breaking_draft_starts_the_next_version(revision, api_as, answers, developer, by_role):
    assert api_as(developer).post(url(revision, "/next-version"), {}, headers=ANY).json()["name"] == "v2"
    assert set(answers("post", url(revision, "/next-version"), {}, **ANY).values()) == {404, 401}
