import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from manifests.models import ManifestApply
from manifests.reading import read_manifests
from manifests.services.applying import Options, apply_manifests
from teams.models import Application
from tests.manifests.conftest import DOCUMENT, ORDERS, OVERLAY

pytestmark = pytest.mark.django_db
TEXT = (
    "apiVersion: gatehouse/v1\nkind: Application\nmetadata: {team: payments, name: Shop}\n"
    "spec: {description: A shop.}\n"
)
NEW = "/manifests/new"


@pytest.fixture
def files() -> dict[str, str]:
    return {"payments/orders.yaml": ORDERS, "payments/openapi.yaml": DOCUMENT}


def test_text_becomes_a_plan_and_the_plan_an_apply(owner, team, as_user):
    client = as_user(owner)
    assert "Nothing was applied yet" in client.get("/manifests").content.decode()
    page = client.post(NEW, {"text": TEXT, "source": "repo"})
    assert page.status_code == 200
    text = page.content.decode()
    assert "Application payments/Shop" in text
    assert "Apply 1 change" in text
    assert not Application.objects.exists()
    plan, bundle = page.context["plan"].hash, page.context["bundle"]
    sent = {"bundle": bundle, "plan": plan, "source": "repo", "form_token": "m" * 24}
    done = client.post(NEW, sent)
    assert done.status_code == 303
    assert Application.objects.get().description == "A shop."
    log = client.get(done["Location"]).content.decode()
    assert "Apply of repo" in log
    assert "Application payments/Shop" in log
    listed = client.get("/manifests").content.decode()
    assert "payments" in listed
    assert "repo" in listed
    there = client.get(f"/applications/{Application.objects.get().public_id}").content.decode()
    assert "Managed by manifests from <strong>repo</strong>" in there
    assert "Nothing to do." in client.post(NEW, {"text": TEXT, "source": "repo"}).content.decode()
    again = client.post(NEW, {**sent, "form_token": "n" * 24})
    assert again.status_code == 412


def test_what_is_wrong_is_said_in_the_form_and_what_was_typed_stays(owner, team, as_user):
    page = as_user(owner).post(NEW, {"text": TEXT.replace("description:", "descripton:")})
    assert page.status_code == 422
    text = page.content.decode()
    assert "manifests.yaml, line 4" in text
    assert "Did you mean description?" in text
    assert "descripton" in text
    assert as_user(owner).post(NEW, {"text": ""}).status_code == 422


def test_a_zip_of_a_folder_is_taken_and_a_viewer_sees_the_refusal(owner, member, stranger, team, as_user):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("payments/a.yaml", TEXT)
    sent = {"uploads": SimpleUploadedFile("repo.zip", out.getvalue())}
    page = as_user(member).post(NEW, sent)
    assert "Only a developer of Payments may create applications" in page.content.decode()
    assert "Apply 1 change" not in page.content.decode()
    typed = as_user(member).post(NEW, {"text": TEXT, "source": "repo"}).content.decode()
    assert "Mend and plan again" in typed
    assert "description: A shop." in typed
    assert 'value="repo"' in typed
    broken = as_user(owner).post(NEW, {"uploads": SimpleUploadedFile("repo.zip", b"no zip")})
    assert broken.status_code == 422
    assert not ManifestApply.objects.exists()
    client = as_user(owner)
    bundle = json.dumps({"a.yaml": TEXT})
    plan = client.post(NEW, {"text": TEXT}).context["plan"].hash
    done = client.post(NEW, {"bundle": bundle, "plan": plan, "form_token": "z" * 24})
    assert as_user(stranger).get(done["Location"]).status_code == 404
    assert "Application payments/Shop" in as_user(member).get(done["Location"]).content.decode()


def test_pages_of_roles_overlays_and_lint_rules_say_what_manages_them(owner, team, as_user, files):
    text = (
        "apiVersion: gatehouse/v1\nkind: Role\nmetadata: {team: payments, slug: captain}\n"
        "spec: {permissions: [apis.publish]}\n---\n"
        "apiVersion: gatehouse/v1\nkind: LintRuleset\nmetadata: {team: payments}\nspec: {severities: {}}\n---\n"
        "apiVersion: gatehouse/v1\nkind: Overlay\n"
        "metadata: {team: payments, api: orders, version: v1, name: Notes}\nspec: {document: {file: notes.yaml}}\n"
    )
    sent = {**files, "payments/more.yaml": text, "payments/notes.yaml": OVERLAY}
    done = apply_manifests(manifests=read_manifests(files=sent), actor=owner, options=Options(source="repo"))
    assert done.is_applied, done.refused
    urls = {entry.kind: entry.url for entry in done.entries}
    client = as_user(owner)
    for url in (urls["Role"], urls["Overlay"], urls["LintRuleset"], f"{urls['LintRuleset']}/ruleset"):
        assert "anaged by manifests from <strong>repo</strong>" in client.get(url).content.decode(), url
    assert "Managed by" not in client.get("/teams/payments/roles/new").content.decode()
