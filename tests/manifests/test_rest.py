import io
import zipfile

import pytest

from apis.models import Api
from manifests.models import ManifestApply
from tests.manifests.conftest import DOCUMENT, ORDERS

pytestmark = pytest.mark.django_db
PLAN, APPLY = "/api/v1/manifests/plan", "/api/v1/manifests/apply"
API = {"apiVersion": "gatehouse/v1", "kind": "Api", "metadata": {"team": "payments", "slug": "parcels"}}


def test_files_objects_and_text_are_three_ways_to_say_the_same(api_as, owner, files):
    client = api_as(owner)
    assert client.post(PLAN, {"files": files}).json()["summary"]["create"] == 5
    (entry,) = client.post(PLAN, {"objects": [API]}).json()["entries"]
    assert (entry["action"], entry["key"]) == ("create", "payments/parcels")
    text = ORDERS.replace("{file: openapi.yaml}", DOCUMENT.splitlines()[0])
    body = text.partition("---")[0]
    sent = client.generic("POST", f"{PLAN}?source=repo", body, content_type="application/yaml")
    assert [entry["key"] for entry in sent.json()["entries"]] == ["payments/orders"]
    assert client.post(PLAN, {"objects": [API], "text": body}).status_code == 422
    assert client.post(PLAN, {"text": "kind: Api\x00"}).status_code == 422


def test_every_wrong_value_is_named_with_its_place(api_as, owner):
    text = "apiVersion: gatehouse/v1\nkind: Api\nmetadata: {team: payments, slug: x}\nspec:\n  nmae: X\n  tags: [1]\n"
    answer = api_as(owner).post(PLAN, {"files": {"a.yaml": text}})
    assert answer.status_code == 422
    first, second = sorted(answer.json()["errors"], key=lambda item: item["line"])
    assert first == {
        "detail": "'nmae' is not a field of spec. Did you mean name?", "pointer": "/spec/nmae", "file": "a.yaml",
        "line": 5,
    }  # fmt: skip
    assert (second["pointer"], second["line"]) == ("/spec/tags/0", 6)
    text = text.replace("nmae: X", "visibility: everbody").replace("[1]", "[]")
    (wrong,) = api_as(owner).post(PLAN, {"text": text}).json()["errors"]
    assert wrong["detail"] == 'visibility: "everbody" is not one of its values. Did you mean everyone?'


def test_an_apply_is_logged_for_those_whose_teams_it_touched(api_as, owner, member, stranger, files):
    done = api_as(owner).post(APPLY, {"files": files, "source": "repo"})
    assert (done.status_code, done.json()["is_applied"]) == (200, True)
    url = f"/api/v1/manifests/applies/{done.json()['apply']}"
    assert api_as(member).get(url).json()["outcome"] == "applied"
    assert api_as(stranger).get(url).status_code == 404
    assert api_as(stranger).get("/api/v1/manifests/applies").json()["results"] == []


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("member", "Only a developer of Payments may create applications"),
        ("stranger", "There is no team called 'payments'"),
    ],
)
def test_each_object_asks_for_its_own_permission(request, api_as, who, said, files):
    person = request.getfixturevalue(who)
    plan = api_as(person).post(PLAN, {"files": files})
    assert plan.status_code == 200
    refusals = [entry["refusal"]["problems"][0]["detail"] for entry in plan.json()["entries"]]
    assert said in refusals[0]
    assert len(refusals) == 5
    refused = api_as(person).post(APPLY, {"files": files})
    assert (refused.status_code, refused.json()["is_applied"]) == (409, False)
    assert not Api.objects.filter(slug="orders").exists()
    assert ManifestApply.objects.get().outcome == "refused"


def test_export_in_three_forms_for_members_alone(api_as, owner, member, stranger, files):
    api_as(owner).post(APPLY, {"files": files})
    url = "/api/v1/manifests?team=payments"
    text = api_as(member).get(url)
    assert text["Content-Type"].startswith("application/yaml")
    assert text.content.decode().startswith("apiVersion: gatehouse/v1\nkind: Team\nmetadata:\n  slug: payments\n")
    listed = api_as(member).get(f"{url}&format=json").json()["files"]
    archive = zipfile.ZipFile(io.BytesIO(api_as(member).get(f"{url}&format=zip").content))
    assert archive.namelist() == list(listed)
    assert api_as(member).get(f"{url}&kind=Plan").content.decode().count("kind:") == 1
    assert api_as(stranger).get(url).status_code == 404
    assert api_as(member).get("/api/v1/manifests").status_code == 403
    assert api_as(member).get(f"{url}&kind=Plans").status_code == 422
    assert api_as().get(url).status_code == 401


def test_the_schema_is_served(api_as, member):
    import jsonschema_rs

    schema = api_as(member).get("/api/v1/manifests/schema").json()
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(API)
    assert not validator.is_valid({**API, "kind": "Apis"})
    assert not validator.is_valid({**API, "spec": {"nmae": "X"}})
