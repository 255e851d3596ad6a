import pytest

from apis.models import LintRuleset, LintWaiver

pytestmark = pytest.mark.django_db
BASE = "/workspace/payments/orders/v1"


def test_findings_are_listed_waived_and_counted_again(draft, owner, as_user):
    client = as_user(owner)
    page = client.get(f"{BASE}/lint").content.decode()
    assert "operation-description" in page
    assert "of 100" in page
    path = f"{BASE}/lint/operation-description/waive"
    assert "What callers must know" in client.get(f"{path}?at=/paths").content.decode()
    given = {"form_token": "w" * 24, "pointer": "/paths", "reason": "Later.", "until": "2099-01-01"}
    assert client.post(path, given | {"until": "2001-01-01"}).status_code == 422
    assert client.post(path, given).status_code == 303
    page = client.get(f"{BASE}/lint").content.decode()
    assert "Later." in page
    waiver = LintWaiver.objects.get()
    client.post(f"{BASE}/lint/waivers/{waiver.public_id}/end")
    assert not LintWaiver.objects.exists()


def test_the_editor_shows_them_with_lines_while_one_types(draft, developer, as_user):
    source = (
        "openapi: 3.1.0\ninfo: {title: A, version: 1.0.0}\npaths:\n  /a:\n    get:\n      operationId: getA\n"
        "      responses: {'200': {description: x}}\n"
    )
    page = as_user(developer).post(f"{BASE}/design/problems", {"source": source}).content.decode()
    assert "/help/lint#operation-summary" in page
    assert 'data-line="5"' in page
    old = source.replace("openapi: 3.1.0", "swagger: '2.0'")
    assert "operation-summary" in as_user(developer).post(f"{BASE}/design/problems", {"source": old}).content.decode()


def test_rules_are_chosen_by_an_owner_and_by_a_platform_admin(team, owner, member, admin, as_user, draft):
    client = as_user(owner)
    assert "Save rules" in client.get("/teams/payments/lint").content.decode()
    assert client.post("/teams/payments/lint", {"info-contact": "off"}).status_code == 302
    assert LintRuleset.objects.get(team=team).severities == {"info-contact": "off"}
    assert "Save rules" not in as_user(member).get("/teams/payments/lint").content.decode()
    assert as_user(member).post("/teams/payments/lint", {}).status_code == 403
    assert as_user(admin).post("/admin/lint", {"info-license": "error"}).status_code == 302
    assert "as given: error" in client.get("/teams/payments/lint").content.decode()
    assert client.get("/admin/lint").status_code == 403


def test_every_rule_has_its_page(as_user):
    from apis.lint import RULES

    page = as_user().get("/help/lint").content.decode()
    assert all(f'id="{code}"' in page for code in RULES)
