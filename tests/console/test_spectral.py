import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.models import LintRuleset
from apis.services.linting import set_ruleset

pytestmark = pytest.mark.django_db
RULES = """rules:
  shop-gadget:
    description: Operations name their gadget
    severity: error
    given: $.paths[*][*]
    then: {field: x-gadget, function: truthy}
"""
URL = "/teams/payments/lint/ruleset"


def send(client, url=URL, token="a", **data):
    return client.post(url, {"form_token": token * 24, "source": "", **data})


def test_a_ruleset_is_tried_activated_exported_and_seen(draft, owner, as_user):
    client = as_user(owner)
    assert f'href="{URL}"' in client.get("/teams/payments/lint").content.decode()
    assert "No custom rule holds" in client.get(URL).content.decode()
    revision = draft.revisions.get()
    tried = send(client, do="try", source=RULES, revision=revision.pk)
    page = tried.content.decode()
    assert tried.status_code == 200
    assert "would score" in page
    assert "Operations name their gadget" in page
    assert not LintRuleset.objects.exists()
    assert send(client, source=RULES)["Location"] == URL
    page = client.get(URL).content.decode()
    assert 'id="shop-gadget"' in page
    exported = client.get(f"{URL}?format=file")
    assert exported.content.decode().replace("\r\n", "\n") == RULES
    assert 'filename="payments.spectral.yaml"' in exported["Content-Disposition"]
    lint = client.get("/workspace/payments/orders/v1/lint").content.decode()
    assert f"{URL}#shop-gadget" in lint
    waive = client.get("/workspace/payments/orders/v1/lint/shop-gadget/waive?at=/paths")
    assert waive.status_code == 200
    design = client.get("/workspace/payments/orders/v1/design").content.decode()
    assert f"{URL}#shop-gadget" in design


def test_what_is_wrong_is_shown_with_its_line_and_nothing_is_lost(draft, owner, as_user):
    answer = send(as_user(owner), source="rules:\n  a:\n    given: $\n    then: {function: own}\n")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Line 4: The function" in page
    assert "function: own" in page
    answer = send(as_user(owner), do="try", source=RULES)
    assert "Choose a document." in answer.content.decode()


def test_a_file_stands_for_the_text(owner, as_user):
    client = as_user(owner)
    upload = SimpleUploadedFile("rules.yaml", RULES.encode())
    assert send(client, file=upload).status_code == 303
    assert LintRuleset.objects.get().spectral == RULES
    big = SimpleUploadedFile("big.yaml", b"#" * 300_000)
    answer = send(client, token="b", file=big)
    assert (answer.status_code, "at most 256 KB" in answer.content.decode()) == (422, True)


def test_who_may(member, stranger, admin, owner, as_user):
    assert send(as_user(member), source=RULES).status_code == 403
    page = as_user(member).get(URL)
    assert (page.status_code, "Activate ruleset" in page.content.decode()) == (200, False)
    assert as_user(stranger).get(URL).status_code == 404
    assert as_user(owner).get("/admin/lint/ruleset").status_code == 403
    assert send(as_user(admin), "/admin/lint/ruleset", source=RULES)["Location"] == "/admin/lint/ruleset"
    assert "The organisation" in as_user(member).get(URL).content.decode()


def test_the_page_of_built_in_rules_keeps_what_was_said_of_custom_ones(team, owner, as_user):
    client = as_user(owner)
    send(client, source=RULES)
    row = set_ruleset(team=team, severities={"shop-gadget": "warn"}, actor=owner)
    said = {"info-contact": "off", "row_version": row.row_version, "form_token": "b" * 24}
    assert client.post("/teams/payments/lint", said).status_code == 302
    row.refresh_from_db()
    assert row.severities == {"info-contact": "off", "shop-gadget": "warn"}
