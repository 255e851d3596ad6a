import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from manifests.models import ManifestApply
from teams.models import Application

pytestmark = pytest.mark.django_db
TEXT = (
    "apiVersion: gatehouse/v1\nkind: Application\nmetadata: {team: payments, name: Shop}\n"
    "spec: {description: A shop.}\n"
)
NEW = "/manifests/new"


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
    broken = as_user(owner).post(NEW, {"uploads": SimpleUploadedFile("repo.zip", b"no zip")})
    assert broken.status_code == 422
    assert not ManifestApply.objects.exists()
    client = as_user(owner)
    bundle = json.dumps({"a.yaml": TEXT})
    plan = client.post(NEW, {"text": TEXT}).context["plan"].hash
    done = client.post(NEW, {"bundle": bundle, "plan": plan, "form_token": "z" * 24})
    assert as_user(stranger).get(done["Location"]).status_code == 404
    assert "Application payments/Shop" in as_user(member).get(done["Location"]).content.decode()
