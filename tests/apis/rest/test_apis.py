import pytest

from apis.models import Api
from apis.services.publishing import publish_version

pytestmark = pytest.mark.django_db
URL = "/api/v1/apis"


def listed(client, **query):
    body = client.get(URL, query).json()
    return [row["name"] for row in body["results"] if row["kind"] != "model"]


def test_everyone_lists_what_one_may_see(published, make_api, api_as, member, stranger):
    make_api("Drafty")
    assert set(listed(api_as(member))) == {"Orders", "Drafty"}
    assert listed(api_as(stranger)) == ["Orders"]
    assert api_as().get(URL).status_code == 401


def test_a_list_is_narrowed_by_words_team_kind_tag_and_state(published, team, api_as, stranger, publisher):
    client = api_as(stranger)
    for query in ({"q": "ord"}, {"team": team.public_id}, {"kind": "rest"}, {"state": "published"}):
        assert listed(client, **query) == ["Orders"]
    for query in ({"q": "refund"}, {"team": "team_none"}, {"kind": "prompt"}, {"tag": "shop"}, {"state": "draft"}):
        assert listed(client, **query) == []
    assert client.get(URL, {"state": "sleeping"}).status_code == 422


def test_pages_follow_a_cursor(make_api, api_as, member):
    for number in range(3):
        make_api(f"Api {number}")
    client = api_as(member)
    first = client.get(URL, {"page_size": 2}).json()
    second = client.get(first["next"]).json()
    names = [row["name"] for page in (first, second) for row in page["results"]]
    assert len(first["results"]) == 2
    assert len(set(names)) == len(names) == 4


def test_a_page_takes_the_same_queries_however_many_rows(make_api, api_as, member, django_assert_max_num_queries):
    client = api_as(member)
    make_api("First")
    with django_assert_max_num_queries(3):
        client.get(URL)
    for number in range(5):
        make_api(f"Api {number}")
    with django_assert_max_num_queries(3):
        assert len(client.get(URL).json()["results"]) == 7


def test_roles_decide_who_creates(team, answers, by_role):
    body = {"team": team.public_id, "name": "Orders"}
    assert answers("post", URL, body) == by_role(201, 201, 201, 403)
    assert Api.objects.filter(team=team).count() == 3


def test_a_created_api_has_its_location_and_etag(team, api_as, developer):
    response = api_as(developer).post(URL, {"team": team.public_id, "name": "Orders", "tags": ["A"]})
    body = response.json()
    assert (body["base_path"], body["tags"], body["kind"]) == ("/payments/orders", ["a"], "rest")
    assert response["ETag"] == '"1"'
    assert api_as(developer).get(f"{URL}/{body['id']}").json() == body


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"name": ""}, 422, "/name"),
        ({"name": "x" * 121}, 422, "/name"),
        ({"name": "Orders", "kind": "model"}, 422, "/kind"),
        ({"name": "Orders", "base_path": "/v1/x"}, 422, "/base_path"),
        ({"name": "Orders", "slug": "No Slug"}, 422, "/slug"),
        ({"name": "Orders", "tags": [f"t{n}" for n in range(30)]}, 422, "/tags"),
    ],
)
def test_wrong_values_name_their_field(team, api_as, developer, fields, status, pointer):
    response = api_as(developer).post(URL, {"team": team.public_id} | fields)
    assert response.status_code == status
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_a_path_clash_is_a_409_that_names_the_other_api(published, other_team, consumer, api_as):
    body = {"team": other_team.public_id, "name": "Mine", "base_path": "/payments/orders"}
    response = api_as(consumer).post(URL, body)
    assert (response.status_code, response.json()["code"]) == (409, "base-path-taken")
    assert "Orders of Payments" in response.json()["detail"]


def test_a_draft_is_read_by_its_team_alone(draft, answers, by_role):
    assert answers("get", f"{URL}/{draft.api.public_id}") == by_role(200, 200, 200, 200)


def test_a_published_api_is_read_by_everyone_signed_in(published, answers, by_role):
    assert answers("get", f"{URL}/{published.api.public_id}") == by_role(200, 200, 200, 200, 200)


def test_roles_decide_who_changes(draft, answers, by_role):
    path = f"{URL}/{draft.api.public_id}"
    assert answers("patch", path, {"summary": "New"}, **{"If-Match": "*"}) == by_role(200, 200, 403, 403)
    assert answers("patch", path, {"summary": "New"})["owner"] == 428
    assert answers("patch", path, {"summary": "New"}, **{"If-Match": '"99"'})["owner"] == 412


def test_sharing_names_teams_that_are_there(published, api_as, publisher, other_team, consumer):
    client, path = api_as(publisher), f"{URL}/{published.api.public_id}"
    body = {"visibility": "shared", "shared_with": [other_team.slug]}
    assert client.patch(path, body, headers={"If-Match": "*"}).status_code == 200
    assert api_as(consumer).get(path).status_code == 200
    wrong = client.patch(path, {"shared_with": ["nobody"]}, headers={"If-Match": "*"})
    assert (wrong.status_code, "nobody" in wrong.json()["detail"]) == (422, True)


def test_roles_decide_who_deletes_a_draft(make_api, answers, by_role, api_as, owner):
    path = f"{URL}/{make_api().public_id}"
    assert api_as(owner).delete(path).status_code == 428
    statuses = {}
    for name in ("member", "developer", "stranger", "nobody"):
        statuses[name] = answers("get", path)[name]
    assert statuses == {"member": 200, "developer": 200, "stranger": 404, "nobody": 401}
    assert api_as(owner).delete(path, headers={"If-Match": "*"}).status_code == 204
    assert api_as(owner).get(path).status_code == 404


def test_a_published_api_is_not_deleted(published, api_as, owner, developer, stranger):
    path = f"{URL}/{published.api.public_id}"
    assert api_as(developer).delete(path, headers={"If-Match": "*"}).status_code == 403
    assert api_as(stranger).delete(path, headers={"If-Match": "*"}).status_code == 404
    response = api_as(owner).delete(path, headers={"If-Match": "*"})
    assert (response.status_code, response.json()["code"]) == (409, "move-not-possible")


def test_versions_are_listed_and_made(published, answers, by_role, api_as, stranger, member):
    path = f"{URL}/{published.api.public_id}/versions"
    assert answers("get", path) == by_role(200, 200, 200, 200, 200)
    body = {"copy_from": published.public_id}
    assert answers("post", path, body) == by_role(201, 201, 201, 403)
    names = [row["name"] for row in api_as(member).get(path).json()["results"]]
    assert names == ["v4", "v3", "v2", "v1"]
    assert [row["name"] for row in api_as(stranger).get(path).json()["results"]] == ["v1"]
    again = api_as(member.__class__.objects.get(email="owner@example.com")).post(path, {"name": "v2"})
    assert (again.status_code, again.json()["code"]) == (409, "name-taken")


def test_a_version_is_copied_from_one_of_the_same_api(published, make_api, publisher, api_as):
    other = publish_version(version=make_api("Other").versions.get(), actor=publisher)
    path = f"{URL}/{published.api.public_id}/versions"
    assert api_as(publisher).post(path, {"copy_from": other.public_id}).status_code == 404
