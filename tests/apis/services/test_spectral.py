import json

import pytest

from apis.models import LintRuleset
from apis.services.linting import (
    custom_rules,
    end_waiver,
    lint_revision,
    rescore,
    ruleset_for,
    set_ruleset,
    set_spectral,
    try_spectral,
    waive_rule,
)
from apis.services.reviews import submit_for_review
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent, Event

pytestmark = pytest.mark.django_db
RULES = """
rules:
  shop-gadget:
    message: "{{property}} {{error}}"
    severity: error
    given: $.paths[*][*]
    then: {field: x-gadget, function: truthy}
"""


def codes(version):
    revision = version.revisions.select_related("version__api__team").order_by("-number").first()
    return [finding.code for finding in lint_revision(revision).findings]


def test_a_teams_ruleset_is_active_at_once_and_documents_are_scored_anew(
    draft, owner, team, django_capture_on_commit_callbacks, settings
):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    before = draft.revisions.get().lint_score
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        set_spectral(team=team, source=RULES, actor=owner)
    assert callbacks
    rescore(team)
    assert codes(draft).count("shop-gadget") == 3
    revision = draft.revisions.get()
    assert revision.lint_score < before
    assert revision.lint_errors == 3
    with pytest.raises(Conflict):
        submit_for_review(version=draft, actor=owner)
    entry = AuditEvent.objects.get(verb="lint.set_spectral")
    assert entry.after["spectral"]["rules"] == ["shop-gadget"]
    assert Event.objects.filter(type="lint.ruleset_changed").count() == 1


def test_custom_findings_are_waived_like_others(draft, owner, team):
    set_spectral(team=team, source=RULES, actor=owner)
    soon = now().replace(year=now().year + 1)
    waiver = waive_rule(version=draft, code="shop-gadget", reason="Later.", expires_at=soon, actor=owner)
    assert "shop-gadget" not in codes(draft)
    end_waiver(waiver=waiver, actor=owner)
    assert "shop-gadget" in codes(draft)
    with pytest.raises(NotFound):
        waive_rule(version=draft, code="shop-other", reason="Later.", expires_at=soon, actor=owner)


def test_a_team_lies_over_the_organisation(draft, owner, admin, team, other_team):
    set_spectral(team=None, source=RULES, actor=admin)
    assert ruleset_for(other_team).severity_of("shop-gadget") == "error"
    set_spectral(team=team, source="rules: {shop-gadget: off, own: {given: $, then: {function: truthy}}}", actor=owner)
    assert "shop-gadget" not in codes(draft)
    assert [(rule.code, rule.severity, rule.origin) for rule in custom_rules(team)] == [
        ("shop-gadget", "off", "The organisation"), ("own", "warn", "Payments"),
    ]  # fmt: skip
    # What is chosen on the page has the last word.
    set_ruleset(team=team, severities={"shop-gadget": "info"}, actor=owner)
    assert ruleset_for(team).severity_of("shop-gadget") == "info"


def test_who_may_change_it(owner, publisher, member, stranger, admin, team):
    for person, error in ((publisher, NotAllowed), (member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            set_spectral(team=team, source=RULES, actor=person)
    with pytest.raises(NotAllowed):
        set_spectral(team=None, source=RULES, actor=owner)
    row = set_spectral(team=None, source=RULES, actor=admin)
    with pytest.raises(Stale):
        set_spectral(team=None, source="", actor=admin, row_version=row.row_version - 1)
    set_spectral(team=None, source="", actor=admin, row_version=row.row_version)
    assert custom_rules(None) == []


def test_a_wrong_ruleset_is_not_taken(owner, team):
    with pytest.raises(Invalid, match="Line 4: The function") as caught:
        set_spectral(team=team, source="rules:\n  a:\n    given: $\n    then: {function: own}\n", actor=owner)
    assert caught.value.errors[0]["pointer"] == "/source"
    assert not LintRuleset.objects.exists()


def test_a_trial_changes_nothing(draft, owner, publisher, stranger, team):
    revision = draft.revisions.select_related("version__api__team").get()
    found = try_spectral(team=team, source=RULES, revision=revision, actor=owner)
    assert found.count("error") == 3
    assert "shop-gadget" not in codes(draft)
    assert not LintRuleset.objects.exists()
    for person, error in ((publisher, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            try_spectral(team=team, source=RULES, revision=revision, actor=person)


def test_a_kept_ruleset_that_cannot_be_read_any_more_leaves_the_rest_standing(draft, team):
    LintRuleset.objects.create(team=team, spectral="rules: 1", severities={"info-contact": "error"})
    assert "info-contact" in codes(draft)


def test_over_rest(draft, owner, member, stranger, admin, team, api_as):
    url = f"/api/v1/teams/{team.slug}/lint-ruleset/spectral"
    client = api_as(owner)
    read = client.get(url)
    assert (read.status_code, read.json()["source"], read.json()["rules"]) == (200, "", [])
    assert client.put(url, {"source": RULES}, format="json").status_code == 428
    tag = {"HTTP_IF_MATCH": read["ETag"]}
    assert api_as(member).put(url, {"source": RULES}, format="json", **tag).status_code == 403
    assert api_as(stranger).get(url).status_code == 404
    wrong = client.put(url, {"source": "rules: 1"}, format="json", **tag)
    assert wrong.status_code == 422
    assert "Line 1" in wrong.json()["errors"][0]["detail"]
    written = client.put(url, {"source": RULES}, format="json", **tag)
    assert written.json()["rules"][0]["code"] == "shop-gadget"
    assert client.put(url, {"source": ""}, format="json", **tag).status_code == 412
    revision = draft.revisions.get().public_id
    tried = client.post(f"{url}/try", {"source": RULES, "revision": revision}, format="json")
    assert sum(row["code"] == "shop-gadget" for row in tried.json()["findings"]) == 3
    assert api_as(stranger).post(f"{url}/try", {"source": "", "revision": revision}, format="json").status_code == 404
    assert api_as(admin).get("/api/v1/lint-ruleset/spectral").status_code == 200
    assert json.loads(client.get(f"/api/v1/revisions/{revision}/lint").content)["findings"][0]["code"] == "shop-gadget"
