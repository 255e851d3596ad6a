import json
from datetime import timedelta

import pytest

from apis.models import LintRuleset, LintWaiver
from apis.selectors import Catalog, CatalogFilters
from apis.services.documents import save_draft
from apis.services.linting import end_expired_waivers, lint_revision, rescore, set_ruleset, waive_rule
from apis.services.publishing import publish_version
from apis.services.reviews import submit_for_review
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from tests.apis.conftest import DOCUMENT

pytestmark = pytest.mark.django_db
SOON = timedelta(days=1)


def score(version) -> int | None:
    return version.revisions.order_by("-number").values_list("lint_score", flat=True).first()


def codes(version) -> set[str]:
    revision = version.revisions.select_related("version__api__team").order_by("-number").first()
    return {finding.code for finding in lint_revision(revision).findings}


def test_a_document_is_scored_when_it_is_saved(draft, publisher):
    before = score(draft)
    assert 0 < before < 100
    better = json.loads(json.dumps(DOCUMENT))
    better["paths"]["/orders"]["post"]["summary"] = "Create an order"
    revision = draft.revisions.get()
    save_draft(revision=revision, source=json.dumps(better), if_match="*", actor=publisher)
    assert score(draft) > before


def test_a_broken_document_has_no_score(draft, publisher):
    save_draft(revision=draft.revisions.get(), source="{", if_match="*", actor=publisher)
    assert score(draft) is None


def test_an_error_keeps_a_document_out_of_review_until_it_is_mended_or_waived(draft, owner, publisher, team):
    set_ruleset(team=team, severities={"operation-failure": "error"}, actor=owner)
    rescore(team)
    with pytest.raises(Conflict, match="3 findings of rules"):
        submit_for_review(version=draft, actor=publisher)
    with pytest.raises(Conflict):
        publish_version(version=draft, actor=publisher)
    waive_rule(version=draft, code="operation-failure", reason="Later.", expires_at=now() + SOON, actor=owner)
    assert publish_version(version=draft, actor=publisher).state == "published"


def test_a_waiver_ends_by_itself(draft, owner, time_machine):
    before = score(draft)
    waive_rule(version=draft, code="operation-failure", reason="Later.", expires_at=now() + SOON, actor=owner)
    assert score(draft) > before
    assert "operation-failure" not in codes(draft)
    assert end_expired_waivers() == 0
    time_machine.move_to(now() + SOON)
    assert "operation-failure" in codes(draft)
    assert end_expired_waivers() == 1
    assert score(draft) == before
    assert not LintWaiver.objects.exists()


def test_the_team_s_word_comes_before_the_organisation_s(draft, owner, admin, team):
    set_ruleset(team=None, severities={"operation-failure": "off", "info-contact": "error"}, actor=admin)
    assert "operation-failure" not in codes(draft)
    set_ruleset(team=team, severities={"operation-failure": "info"}, actor=owner)
    revision = draft.revisions.select_related("version__api__team").get()
    severities = {finding.code: finding.severity for finding in lint_revision(revision).findings}
    assert (severities["operation-failure"], severities["info-contact"]) == ("info", "error")


def test_who_may_change_rules(draft, owner, publisher, stranger, team):
    with pytest.raises(NotAllowed):
        set_ruleset(team=team, severities={}, actor=publisher)
    with pytest.raises(NotFound):
        set_ruleset(team=team, severities={}, actor=stranger)
    with pytest.raises(NotAllowed):
        set_ruleset(team=None, severities={}, actor=owner)
    with pytest.raises(Invalid) as caught:
        set_ruleset(team=team, severities={"no-such": "warn", "info-contact": "grave"}, actor=owner)
    assert [error["pointer"] for error in caught.value.errors] == ["/severities/no-such", "/severities/info-contact"]
    set_ruleset(team=team, severities={}, actor=owner)
    with pytest.raises(Stale):
        set_ruleset(team=team, severities={}, actor=owner, row_version=1)
    assert LintRuleset.objects.count() == 1


def test_who_may_waive(draft, owner, publisher, stranger):
    given = {"version": draft, "code": "info-contact", "reason": "x", "expires_at": now() + SOON}
    with pytest.raises(NotAllowed):
        waive_rule(**given, actor=publisher)
    with pytest.raises(NotFound):
        waive_rule(**given, actor=stranger)
    with pytest.raises(NotFound):
        waive_rule(**given | {"code": "no-such"}, actor=owner)
    with pytest.raises(Invalid) as caught:
        waive_rule(**given | {"reason": " ", "expires_at": now()}, actor=owner)
    assert [error["pointer"] for error in caught.value.errors] == ["/reason", "/expires_at"]


def test_the_catalog_shows_and_narrows_by_the_score(published, owner, stranger):
    entry = Catalog(stranger).entries().get(api=published.api)
    assert entry.score == score(published)
    band = "good" if entry.score >= 90 else "fair" if entry.score >= 70 else "poor"
    assert Catalog(stranger, CatalogFilters(score=band)).entries().filter(api=published.api).exists()
    assert band in [value.value for value in Catalog(stranger).facets().scores]
    waive_rule(version=published, code="operation-failure", reason="x", expires_at=now() + SOON, actor=owner)
    assert Catalog(stranger).entries().get(api=published.api).score > entry.score


def test_over_rest(draft, owner, member, stranger, api_as, team):
    client = api_as(owner)
    assert len(client.get("/api/v1/lint-rules").json()) > 30
    rules = f"/api/v1/teams/{team.slug}/lint-ruleset"
    seen = client.get(rules)
    changed = client.put(rules, {"severities": {"info-contact": "off"}}, headers={"If-Match": seen["ETag"]})
    assert changed.json() == {"severities": {"info-contact": "off"}}
    assert client.put(rules, {"severities": {}}, headers={"If-Match": seen["ETag"]}).status_code == 412
    assert api_as(member).put(rules, {"severities": {}}, headers={"If-Match": changed["ETag"]}).status_code == 403
    assert api_as(stranger).get(rules).status_code == 404
    assert client.put("/api/v1/lint-ruleset", {"severities": {}}, headers={"If-Match": "*"}).status_code == 403
    revision = draft.revisions.get().public_id
    result = api_as(member).get(f"/api/v1/revisions/{revision}/lint").json()
    assert result["score"] == score(draft)
    assert api_as(stranger).get(f"/api/v1/revisions/{revision}/lint").status_code == 404
    waivers = f"/api/v1/versions/{draft.public_id}/lint-waivers"
    given = {"code": "operation-failure", "reason": "Later.", "expires_at": (now() + SOON).isoformat()}
    assert api_as(member).post(waivers, given).status_code == 403
    made = client.post(waivers, given)
    assert made.status_code == 201
    assert client.get(f"/api/v1/revisions/{revision}/lint").json()["waived"]
    assert client.delete(f"{waivers}/{made.json()['id']}").status_code == 204
