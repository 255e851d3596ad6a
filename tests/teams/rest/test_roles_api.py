"""Roles over REST, as owner, member, stranger and platform admin."""

import pytest

from teams.models import CustomRole, Membership
from teams.permissions import CATALOGUE

pytestmark = pytest.mark.django_db
BODY = {"name": "Release captain", "permissions": ["apis.publish"]}


@pytest.fixture
def role(owner, team, api_as):
    answer = api_as(owner).post("/api/v1/roles", {**BODY, "team": team.slug}, format="json")
    assert answer.status_code == 201
    return answer.json()


def test_the_catalogue_is_told_with_its_built_in_roles(stranger, api_as):
    rows = api_as(stranger).get("/api/v1/permissions").json()
    assert [row["name"] for row in rows] == [row.name for row in CATALOGUE]
    assert rows[0]["roles"] == ["viewer", "developer", "publisher", "owner"]


def test_an_owner_makes_changes_and_deletes_a_role_of_their_team(owner, team, api_as, role):
    assert (role["slug"], role["team"]) == ("release-captain", team.public_id)
    api, url = api_as(owner), f"/api/v1/roles/{role['id']}"
    tag = api.get(url)["ETag"]
    changed = api.patch(url, {"permissions": ["apis.review"]}, format="json", headers={"If-Match": tag})
    assert changed.json()["permissions"] == ["team.view", "apis.review"]
    assert api.patch(url, {"name": "X"}, format="json", headers={"If-Match": tag}).status_code == 412
    assert api.delete(url, headers={"If-Match": changed["ETag"]}).status_code == 204


def test_a_role_of_a_team_is_its_members_alone_to_see(member, stranger, admin, api_as, role):
    url = f"/api/v1/roles/{role['id']}"
    assert api_as(member).get(url).status_code == 200
    assert api_as(member).patch(url, {"name": "X"}, format="json", headers={"If-Match": "*"}).status_code == 403
    assert api_as(member).get(f"{url}/use").status_code == 403
    assert api_as(stranger).get(url).status_code == 404
    assert api_as(stranger).get("/api/v1/roles").json()["results"] == []
    assert api_as(admin).get(f"{url}/use").json() == {"members": 0, "invitations": 0, "teams": []}


def test_only_a_platform_admin_makes_a_role_of_every_team(owner, admin, stranger, api_as):
    assert api_as(owner).post("/api/v1/roles", BODY, format="json").status_code == 403
    made = api_as(admin).post("/api/v1/roles", BODY, format="json").json()
    assert made["team"] is None
    assert api_as(stranger).get(f"/api/v1/roles/{made['id']}").status_code == 200


def test_members_and_invitations_take_the_slug_of_a_custom_role(owner, team, developer, api_as, role):
    api, url = api_as(owner), f"/api/v1/teams/{team.slug}/members/{developer.public_id}"
    answer = api.patch(url, {"role": "release-captain"}, format="json", headers={"If-Match": api.get(url)["ETag"]})
    assert answer.json()["role"] == "release-captain"
    body = {"email": "new@example.com", "role": "release-captain"}
    assert api.post(f"/api/v1/teams/{team.slug}/invitations", body, format="json").json()["role"] == "release-captain"
    body["role"] = "nonsense"
    refused = api.post(f"/api/v1/teams/{team.slug}/invitations", body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/role")


def test_a_role_in_use_is_deleted_with_a_replacement(owner, team, developer, api_as, role):
    held = CustomRole.objects.get(public_id=role["id"])
    Membership.objects.filter(user=developer).update(role="", custom_role=held)
    api, url = api_as(owner), f"/api/v1/roles/{role['id']}"
    headers = {"If-Match": api.get(url)["ETag"]}
    refused = api.delete(url, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "role-in-use")
    assert api.delete(f"{url}?replacement=developer", headers=headers).status_code == 204
    assert Membership.objects.get(user=developer).role == "developer"


def test_the_list_asks_as_often_for_many_roles_as_for_few(owner, team, api_as, role, django_assert_max_num_queries):
    for number in range(20):
        CustomRole.objects.create(team=team, slug=f"r{number}", name=f"R{number}", permissions=["team.view"])
    with django_assert_max_num_queries(8):
        assert len(api_as(owner).get("/api/v1/roles").json()["results"]) == 21
