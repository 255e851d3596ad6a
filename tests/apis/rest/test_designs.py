import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.gateway_settings.sealing import open_key
from apis.models import Api, ImportJob, Revision

pytestmark = pytest.mark.django_db
ANY = {"If-Match": "*"}
IMPORTS = "/api/v1/imports"


def url(version):
    return f"/api/v1/revisions/{version.revisions.latest('number').public_id}"


def test_a_revision_is_read_by_its_team_alone_even_when_it_is_current(published, answers, by_role, api_as, member):
    assert answers("get", url(published)) == by_role(200, 200, 200, 200)
    body = api_as(member).get(url(published)).json()
    assert (body["upstream_url"], body["state"]) == ("https://orders.internal", "current")


def test_roles_decide_who_edits(draft, answers, by_role):
    body = {"source": "openapi: 3.1.0"}
    assert answers("put", url(draft), body, **ANY) == by_role(200, 200, 200, 403)
    assert answers("put", url(draft), body)["developer"] == 428


def test_a_save_answers_what_is_wrong_and_keeps_the_text(draft, api_as, developer, seen):
    client = api_as(developer)
    etag = seen(client, url(draft))
    response = client.put(url(draft), {"source": "openapi: [", "upstream_url": "http://10.1.1.1"}, headers=etag)
    body = response.json()
    assert (response.status_code, body["source"], body["upstream_url"]) == (200, "openapi: [", "http://10.1.1.1")
    assert body["problems"][0]["line"]
    assert response["ETag"] != etag["If-Match"]
    late = client.put(url(draft), {"source": "x"}, headers=etag)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert late.json()["etag"] == response["ETag"]
    assert "GET the same address" in late.json()["detail"]


def test_a_frozen_revision_is_not_edited(published, api_as, developer):
    response = api_as(developer).put(url(published), {"source": "x"}, headers=ANY)
    assert (response.status_code, response.json()["code"]) == (409, "revision-frozen")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"upstream_url": "ftp://x"}, "/upstream_url"), ({"total_timeout_seconds": -1}, "/total_timeout_seconds"),
     ({"source": "a\x00b"}, "/source")],
)  # fmt: skip
def test_a_wrong_value_names_its_field(draft, api_as, developer, body, pointer):
    response = api_as(developer).put(url(draft), body, headers=ANY)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


def test_roles_decide_who_imports(team, document, answers, by_role):
    body = {"team": team.slug, "source": document}
    assert answers("post", IMPORTS, body) == by_role(201, 201, 201, 403)


def test_an_import_answers_its_api(team, document, api_as, developer, member, stranger):
    job = api_as(developer).post(IMPORTS, {"team": team.slug, "source": document, "upstream_url": "http://u"}).json()
    assert (job["state"], job["error"]) == ("done", "")
    assert Api.objects.get(public_id=job["api"]).name == "Orders"
    assert Revision.objects.get(version__public_id=job["version"]).upstream_url == "http://u"
    path = f"{IMPORTS}/{job['id']}"
    assert api_as(member).get(path).json() == job
    assert api_as(member).get(IMPORTS).json()["results"] == [job]
    assert api_as(stranger).get(path).status_code == 404
    assert api_as(stranger).get(IMPORTS).json()["results"] == []
    assert api_as().get(path).status_code == api_as().get(IMPORTS).status_code == 401


def test_a_file_is_uploaded(team, document, api_as, developer):
    upload = SimpleUploadedFile("orders.json", document.encode(), "application/json")
    response = api_as(developer).post(IMPORTS, {"team": team.slug, "file": upload}, format="multipart")
    assert (response.status_code, response.json()["state"]) == (201, "done")


@pytest.mark.parametrize("source", ["not openapi", "a: [", '{"openapi": "3.1.0"}', "openapi: 9.9.9"])
def test_bad_documents_answer_422_with_places_and_leave_nothing(team, api_as, developer, source):
    response = api_as(developer).post(IMPORTS, {"team": team.slug, "source": source})
    assert response.status_code == 422
    assert response.json()["errors"][0]["detail"]
    assert not ImportJob.objects.exists()
    assert not Api.objects.filter(team=team).exists()


def test_a_remote_reference_is_refused(team, document, api_as, developer):
    tree = json.loads(document)
    schema = {"$ref": "https://example.com/schema.json"}
    tree["paths"]["/orders"]["get"]["responses"]["200"]["content"] = {"application/json": {"schema": schema}}
    response = api_as(developer).post(IMPORTS, {"team": team.slug, "source": json.dumps(tree)})
    assert response.status_code == 422
    assert "$ref" in response.json()["errors"][0]["pointer"]


def test_a_large_document_is_202_and_too_large_a_one_413(team, document, api_as, developer):
    tree = json.loads(document)
    tree["info"]["description"] = "x" * 1_100_000
    response = api_as(developer).post(IMPORTS, {"team": team.slug, "source": json.dumps(tree)})
    assert (response.status_code, response.json()["state"]) == (202, "queued")
    upload = SimpleUploadedFile("big.json", b"{" + b" " * 32 * 1024 * 1024, "application/json")
    refused = api_as(developer).post(IMPORTS, {"team": team.slug, "file": upload}, format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")


def test_a_body_that_can_hold_no_document_is_refused_before_it_is_read(team, api_as, developer):
    response = api_as(developer).post(IMPORTS, {"team": team.slug}, CONTENT_LENGTH="100000000")
    assert response.status_code == 413


def test_an_address_inside_the_machine_is_not_fetched(team, api_as, developer):
    body = {"team": team.slug, "source_url": "http://169.254.169.254/latest/meta-data"}
    response = api_as(developer).post(IMPORTS, body)
    assert response.status_code == 422
    assert not ImportJob.objects.exists()


def test_gateway_settings_are_kept_and_wrong_ones_are_named_by_their_place(draft, api_as, developer):
    client = api_as(developer)
    settings = {"cors": {"origins": ["https://app.example.com"]}, "upstream": {"retry": {"attempts": 2}}}
    saved = client.put(url(draft), {"gateway": settings}, headers=ANY)
    assert (saved.status_code, saved.json()["gateway"]) == (200, settings)
    wrong = {"cors": {"origins": ["nope"]}, "upstream": {"retry": {"attempts": 99}}, "corz": {}}
    response = client.put(url(draft), {"gateway": wrong}, headers=ANY)
    assert response.status_code == 422
    pointers = [error["pointer"] for error in response.json()["errors"]]
    assert pointers == ["/gateway/cors/origins/0", "/gateway/upstream/retry/attempts", "/gateway/corz"]
    assert Revision.objects.get(pk=draft.revisions.latest("number").pk).gateway == settings


def test_the_key_of_a_client_certificate_is_never_read_back(draft, api_as, developer):
    client = api_as(developer)
    tls = {"certificate": "CERTIFICATE", "key": "-----BEGIN PRIVATE KEY-----"}
    saved = client.put(url(draft), {"gateway": {"upstream": {"tls": tls}}}, headers=ANY).json()
    assert saved["gateway"]["upstream"]["tls"]["certificate"] == "CERTIFICATE"
    assert "PRIVATE" not in str(saved)
    # What was read can be sent again: the key stays what it was.
    again = client.put(url(draft), {"gateway": saved["gateway"]}, headers=ANY).json()
    assert again["gateway"] == saved["gateway"]
    assert open_key(again["gateway"]["upstream"]["tls"]["key"]) == tls["key"]


@pytest.fixture
def second(published, publisher, document):
    """A second version of the published one's API, whose document lost an operation and got another."""
    from apis.services.documents import save_draft
    from apis.services.versions import create_version

    version = create_version(api=published.api, name="v2", actor=publisher)
    changed = json.loads(document)
    del changed["paths"]["/orders"]["post"]
    changed["paths"]["/orders/{id}"]["delete"] = {
        "operationId": "dropOrder",
        "responses": {"204": {"description": "ok"}},
    }
    save_draft(revision=version.revisions.get(), source=json.dumps(changed), if_match="*", actor=publisher)
    return version


def test_changes_since_another_revision_are_told_breaks_first(published, second, api_as, member, answers, by_role):
    since = published.revisions.get().public_id
    path = f"{url(second)}/changes?since={since}"
    assert answers("get", path) == by_role(200, 200, 200, 200)
    body = api_as(member).get(path).json()
    assert body["level"] == "breaking"
    assert [(change["code"], change["method"], change["path"]) for change in body["changes"]] == [
        ("operation-removed", "POST", "/orders"),
        ("operation-added", "DELETE", "/orders/{id}"),
        ("version-not-raised", "", ""),
    ]
    assert body["changes"][0]["old"] == "/paths/~1orders/post"


def test_a_revision_of_another_api_or_none_is_not_compared(published, second, make_api, api_as, member):
    other = make_api("Refunds").versions.get().revisions.get().public_id
    for since in (other, "", "rev_unknown"):
        answer = api_as(member).get(f"{url(second)}/changes?since={since}")
        assert answer.status_code == 404
        assert "since=rev_" in answer.json()["detail"]
