import pytest

from apis.services.publishing import publish_version
from teams.services.tokens import create_access_token

pytestmark = pytest.mark.django_db
MOCK = "/mock/payments/orders/v1"


def test_a_draft_is_mocked_for_its_team_and_for_nobody_else(draft, member, stranger, as_user):
    client = as_user(member)
    answer = client.get(f"{MOCK}/orders")
    assert answer.status_code == 200
    assert answer["Gatehouse-Mock"].startswith("listOrders")
    assert answer["Content-Security-Policy"] == "sandbox"
    assert as_user(stranger).get(f"{MOCK}/orders").status_code == 404
    assert as_user().get(f"{MOCK}/orders").status_code == 401


def test_a_published_one_is_mocked_for_who_sees_it_by_token_too(draft, owner, stranger, as_user):
    publish_version(version=draft, actor=owner)
    _, token = create_access_token(user=stranger, name="ci")
    headers = {"Authorization": f"Bearer {token}"}
    client = as_user()
    assert client.get(f"{MOCK}/orders", headers=headers).status_code == 200
    assert client.post(f"{MOCK}/orders", "{}", content_type="application/json", headers=headers).status_code == 201
    assert client.get(f"{MOCK}/orders", headers={"Authorization": "Bearer gh_pat_x"}).status_code == 401


def test_status_and_latency_are_chosen_by_header(draft, member, as_user):
    client = as_user(member)
    assert client.get(f"{MOCK}/orders/1", headers={"Prefer": "code=404"}).status_code == 404
    slow = client.get(f"{MOCK}/orders", headers={"Gatehouse-Mock-Latency-Ms": "50"})
    assert slow.status_code == 200
    for odd in ("code=9999", "code=x", "example=no-such"):
        answer = client.get(f"{MOCK}/orders", headers={"Prefer": odd, "Accept": "application/json"})
        assert answer.status_code == 404
    assert client.get(f"{MOCK}/nowhere").status_code == 404
