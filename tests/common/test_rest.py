"""What every REST view set shares."""

import json

import pytest

pytestmark = pytest.mark.django_db


def test_a_row_without_a_counter_has_a_tag_that_a_write_changes(owner, api_as):
    client = api_as(owner)
    first = client.get("/api/v1/me")["ETag"]
    assert client.get("/api/v1/me")["ETag"] == first
    answer = client.patch("/api/v1/me", {"zone": "Europe/Zurich"}, headers={"if-match": first})
    assert answer.status_code == 200
    assert client.get("/api/v1/me")["ETag"] == answer["ETag"] != first


def test_a_tag_does_not_change_when_nobody_writes(owner, api_as, client):
    before = api_as(owner).get("/api/v1/me")["ETag"]
    client.force_login(owner)  # writes last_login
    owner.refresh_from_db()
    assert api_as(owner).get("/api/v1/me")["ETag"] == before


@pytest.mark.parametrize("text", ["a\x00b", "half \ud800 of one"])
def test_text_that_cannot_be_stored_is_refused_with_its_place(owner, team, api_as, text):
    body = {"team": team.slug, "name": "Say", "text": "Say it", "model": "m", "parameters": [{"name": text}]}
    answer = api_as(owner).generic("POST", "/api/v1/prompts", json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/parameters/0/name"
