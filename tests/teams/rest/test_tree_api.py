"""The tree of teams over REST, as who manages above, below, and neither."""

import pytest

from teams.models import Team
from teams.services.people import create_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def below(owner, team):
    return create_team(name="Payments EU", parent=team, actor=owner)


@pytest.fixture
def local(make_user, below):
    return make_user("local", below, "owner")


def test_a_team_is_made_below_another_and_found_there(owner, team, api_as):
    api = api_as(owner)
    made = api.post("/api/v1/teams", {"name": "Payments EU", "parent": team.slug}, format="json")
    assert (made.status_code, made.json()["parent"]) == (201, team.public_id)
    found = api.get(f"/api/v1/teams?parent={team.public_id}").json()["results"]
    assert [row["id"] for row in found] == [made.json()["id"]]
    assert [row["id"] for row in api.get("/api/v1/teams?parent=none").json()["results"]] == [team.public_id]


def test_a_member_above_reads_below_and_a_member_below_nothing_above(member, local, stranger, team, below, api_as):
    url, above = f"/api/v1/teams/{below.public_id}", f"/api/v1/teams/{team.public_id}"
    assert api_as(member).get(url).status_code == 200
    assert api_as(member).patch(url, {"name": "X"}, format="json", headers={"If-Match": "*"}).status_code == 403
    assert [api_as(local).get(address).status_code for address in (url, above)] == [200, 404]
    assert api_as(stranger).get(url).status_code == 404


def test_a_team_is_moved_by_who_manages_above_it(admin, owner, local, team, below, api_as):
    url = f"/api/v1/teams/{below.public_id}/move"
    body, headers = {"parent": None}, {"If-Match": "*"}
    assert api_as(local).post(url, body, format="json", headers=headers).status_code == 404
    assert api_as(owner).post(url, body, format="json").status_code == 428
    moved = api_as(owner).post(url, body, format="json", headers=headers)
    assert (moved.status_code, moved.json()["parent"]) == (200, None)


def test_a_cycle_is_refused_with_its_code(owner, team, below, api_as):
    url = f"/api/v1/teams/{team.public_id}/move"
    refused = api_as(owner).post(url, {"parent": below.slug}, format="json", headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "tree-cycle")


def test_a_team_with_teams_below_is_deleted_last(owner, team, below, api_as):
    create_team(name="Payments DE", parent=below, actor=owner)
    api, headers = api_as(owner), {"If-Match": "*"}
    refused = api.delete(f"/api/v1/teams/{below.public_id}", headers=headers)
    assert (refused.status_code, refused.json()["teams"]) == (409, ["Payments DE"])
    for slug in ("payments-de", "payments-eu"):
        assert api.delete(f"/api/v1/teams/{slug}", headers=headers).status_code == 204
    assert not Team.objects.filter(slug__startswith="payments-").exists()
