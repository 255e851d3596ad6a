import pytest

from apis.services.contracts import update_api
from apis.services.publishing import publish_version
from teams.services.tokens import create_access_token

pytestmark = pytest.mark.django_db
ADDRESS = "/.well-known/api-catalog"


@pytest.fixture
def published(draft, owner):
    publish_version(version=draft, actor=owner)
    return draft


def anchors(response) -> list[str]:
    return [row["anchor"] for row in response.json()["linkset"]]


def test_nobody_sees_public_apis_alone(published, owner, as_user):
    client = as_user()
    answer = client.get(ADDRESS)
    assert answer["Content-Type"] == 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
    assert len(anchors(answer)) == 1
    document = "/catalog/payments/orders/v1/openapi.json"
    assert client.get(document).status_code == 404
    update_api(api=published.api, actor=owner, visibility="public")
    answer = client.get(ADDRESS)
    assert anchors(answer)[1].endswith("/payments/orders/v1")
    row = answer.json()["linkset"][1]
    # RFC 9264: each relation is an array of target objects.
    assert row["service-desc"][0]["href"].endswith(document)
    assert "service-doc" not in row
    assert client.get(document).json()["info"]["title"]
    assert client.get("/catalog/payments/orders").status_code == 302


def test_head_names_the_relation(as_user):
    answer = as_user().head(ADDRESS)
    assert 'rel="api-catalog"' in answer["Link"]
    assert answer.content == b""


def test_a_person_and_a_token_see_what_they_may(published, stranger, owner, as_user):
    assert len(anchors(as_user(stranger).get(ADDRESS))) == 3  # the catalog itself, AI models, Orders
    update_api(api=published.api, actor=owner, visibility="team")
    _, secret = create_access_token(user=stranger, name="ci")
    client = as_user()
    assert len(anchors(client.get(ADDRESS, headers={"Authorization": f"Bearer {secret}"}))) == 2
    _, secret = create_access_token(user=owner, name="ci")
    answer = client.get(ADDRESS, headers={"Authorization": f"Bearer {secret}"})
    assert len(anchors(answer)) == 3
    assert answer["Cache-Control"].startswith("private")
    assert client.get(ADDRESS, headers={"Authorization": "Bearer gh_pat_x"}).status_code == 401
