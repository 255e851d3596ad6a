import pytest

from apis.models import Environment
from tests.apis.services.test_overlays import HIDE, overlay_of, titled

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(published):
    return f"/api/v1/versions/{published.public_id}"


@pytest.fixture
def staging():
    return Environment.objects.create(slug="staging", name="Staging")


def test_the_life_of_an_overlay(base, published, publisher, staging, api_as):
    api = api_as(publisher)
    made = api.post(f"{base}/overlays", {"name": "Staging", "source": titled("Try"), "environments": ["staging"]},
                    format="json")  # fmt: skip
    assert made.status_code == 201, made.content
    assert made.json()["environments"] == ["staging"]
    assert api.get(f"{base}/document?environment=staging").json()["info"]["title"] == "Try"
    assert api.get(f"{base}/document").json()["info"]["title"] == "Orders"
    own = f"{base}/overlays/{made.json()['id']}"
    assert api.patch(own, {"environments": []}, format="json").status_code == 428
    assert api.patch(own, {"environments": []}, format="json", HTTP_IF_MATCH='"7"').status_code == 412
    changed = api.patch(own, {"environments": []}, format="json", HTTP_IF_MATCH=made["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != made["ETag"]
    assert api.get(f"{base}/document").json()["info"]["title"] == "Try"
    assert api.get(f"{base}/overlays").json()["results"][0]["name"] == "Staging"
    assert api.delete(own, HTTP_IF_MATCH=changed["ETag"]).status_code == 204
    assert api.get(f"{base}/document").json()["info"]["title"] == "Orders"


def test_the_result_tells_what_was_hit_hidden_and_left_out(base, publisher, api_as):
    api = api_as(publisher)
    nothing = overlay_of(
        {"target": "$.paths['/gone']", "update": {}}, {"target": "$.paths", "update": {"/n": {"get": {}}}}
    )
    for name, source in (("Hide", HIDE), ("Nothing", nothing)):
        assert api.post(f"{base}/overlays", {"name": name, "source": source}, format="json").status_code == 201
    told = api.get(f"{base}/overlaid/production").json()
    assert told["hidden"] == ["POST /orders"]
    assert [item["rule"] for item in told["overlays"][1]["findings"]] == ["overlay-target-unmatched"]
    assert "GET /n" in told["left_out"][0]["detail"]
    assert told["problems"] == []
    assert "post" not in told["document"]["paths"]["/orders"]
    assert api.get(f"{base}/overlaid/nowhere").status_code == 404


def test_errors_name_action_and_line(base, publisher, api_as):
    source = "overlay: 1.1.0\ninfo: {title: T, version: '1'}\nactions:\n- target: nothing\n  remove: true\n"
    answer = api_as(publisher).post(f"{base}/overlays", {"name": "A", "source": source}, format="json")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/actions/0"
    assert error["line"] == 4
    assert "nothing" in error["detail"]
    unknown = {"name": "A", "source": titled("A"), "environments": ["moon"]}
    assert "moon" in api_as(publisher).post(f"{base}/overlays", unknown, format="json").json()["detail"]


def test_they_are_put_in_order(base, publisher, api_as):
    api = api_as(publisher)
    ids = [api.post(f"{base}/overlays", {"name": n, "source": titled(n)}, format="json").json()["id"] for n in "AB"]
    assert api.put(f"{base}/overlay-order", {"order": ids[::-1]}, format="json").json()["results"][0]["name"] == "B"
    assert api.get(f"{base}/document").json()["info"]["title"] == "A"
    assert api.put(f"{base}/overlay-order", {"order": ids[:1]}, format="json").status_code == 422


def test_only_the_team_sees_them_and_only_publishers_write(base, developer, member, stranger, consumer, api_as):
    body = {"name": "A", "source": titled("A")}
    for person, read, write in ((developer, 200, 403), (member, 200, 403), (stranger, 404, 404), (consumer, 404, 404)):
        assert api_as(person).get(f"{base}/overlays").status_code in (read, 403), person
        assert api_as(person).post(f"{base}/overlays", body, format="json").status_code in (write, 403), person
    assert api_as(consumer).get(f"{base}/document?environment=moon").status_code == 404
