"""Revisions of a served version: what the diff makes of them, who may release them, the way back."""

import json
from datetime import timedelta

import pytest

from apis import ports
from apis.models import ApiVersion, Deployment, Release, Revision
from apis.ports import OperationCaller
from apis.selectors.gate import gate_of
from apis.selectors.versions import current_revision
from apis.services.documents import save_draft
from apis.services.releases import move_to_next_version, release_revision, roll_back, waive_change
from apis.services.reviews import review_revision, submit_for_review
from apis.services.revisions import discard_draft, start_revision
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import AuditEvent

pytestmark = pytest.mark.django_db


def safe(document):
    document["paths"]["/stock"] = {"get": {"operationId": "stock", "responses": {"200": {"description": "ok"}}}}


def risky(document):
    document["paths"]["/orders"]["get"]["operationId"] = "list"


def breaking(document):
    del document["paths"]["/orders"]["post"]


@pytest.fixture
def edit(published, document, publisher):
    """Return a maker of the working copy of the published version, changed by a function."""

    def make(change, actor=publisher) -> Revision:
        revision = start_revision(version=published, actor=actor)
        changed = json.loads(document)
        change(changed)
        save_draft(revision=revision, source=json.dumps(changed), if_match="*", actor=actor)
        revision.version = published
        return revision

    return make


@pytest.fixture
def strict(team):
    """Ask for one approval, from the version's publication on."""

    def ask():
        team.required_approvals = 1
        team.save()

    return ask


def test_a_working_copy_starts_from_what_is_current_and_there_is_one(published, developer, publisher):
    draft = start_revision(version=published, actor=developer)
    assert (draft.number, draft.state, draft.content_hash) == (2, "draft", current_revision(published).content_hash)
    assert draft.operations.count() == current_revision(published).operations.count()
    assert draft.author == developer
    assert start_revision(version=published, actor=publisher) == draft


def test_a_safe_change_becomes_current_and_the_version_stays_published(edit, publisher, signals):
    revision = edit(safe)
    signals.clear()
    release = release_revision(revision=revision, actor=publisher, note="Orders can be dropped.")
    version = ApiVersion.objects.get(pk=revision.version_id)
    assert version.state == "published"
    assert Deployment.objects.get(version=version).revision == revision
    assert list(version.revisions.values_list("number", "state")) == [(1, "superseded"), (2, "current")]
    assert [change["code"] for change in release.changes if change["method"]] == ["operation-added"]
    assert (release.kind, release.previous.number, release.note) == ("release", 1, "Orders can be dropped.")
    assert [name for name, _ in signals] == ["version_changed"]


def test_a_breaking_change_never_becomes_current_in_its_version(edit, publisher):
    revision = edit(breaking)
    with pytest.raises(Conflict, match="break callers of Orders v1: POST /orders") as caught:
        release_revision(revision=revision, actor=publisher)
    assert caught.value.code == "breaking-change"
    revision.refresh_from_db()
    assert revision.state == "draft"
    assert gate_of(revision).outcome == "version"


def test_a_breaking_draft_moves_to_the_next_version_and_leaves_the_old_one_as_it_was(edit, publisher):
    revision = edit(breaking)
    version = move_to_next_version(revision=revision, actor=publisher)
    assert (version.name, version.state) == ("v2", "draft")
    assert not version.revisions.get().operations.filter(operation_id="createOrder").exists()
    old = ApiVersion.objects.get(pk=revision.version_id)
    assert list(old.revisions.values_list("state", flat=True)) == ["current"]


def test_risky_changes_are_ticked_one_by_one(edit, publisher):
    revision = edit(risky)
    with pytest.raises(Conflict, match="1 change may break callers") as caught:
        release_revision(revision=revision, actor=publisher)
    assert caught.value.code == "risky-change"
    key = gate_of(revision).of("risky")[0].key
    release = release_revision(revision=revision, actor=publisher, accepted=[key])
    assert release.accepted == [key]


def test_a_waiver_lets_one_break_pass_until_it_expires(edit, publisher, owner):
    revision = edit(breaking)
    key = gate_of(revision).blocking[0].key
    until = now() + timedelta(days=1)
    with pytest.raises(NotAllowed):
        waive_change(revision=revision, key=key, reason="Nobody uses it.", expires_at=until, actor=publisher)
    with pytest.raises(Invalid, match="reason"):
        waive_change(revision=revision, key=key, reason=" ", expires_at=until, actor=owner)
    with pytest.raises(Invalid, match="past"):
        waive_change(revision=revision, key=key, reason="Nobody uses it.", expires_at=now(), actor=owner)
    with pytest.raises(NotFound):
        waive_change(revision=revision, key="0" * 16, reason="Nobody uses it.", expires_at=until, actor=owner)
    waiver = waive_change(revision=revision, key=key, reason="Nobody uses it.", expires_at=until, actor=owner)
    assert gate_of(revision).outcome == "revision"
    waiver.expires_at = now() - timedelta(seconds=1)
    waiver.save()
    assert gate_of(revision).outcome == "version"
    waiver.expires_at = until
    waiver.save()
    risky_keys = [change.key for change in gate_of(revision).of("risky")]
    assert release_revision(revision=revision, actor=publisher, accepted=risky_keys).level == "breaking"
    assert AuditEvent.objects.filter(verb="version.waive", reason="Nobody uses it.").exists()


def test_each_change_names_the_applications_it_hits(edit, monkeypatch):
    checkout = OperationCaller("app_1", "Checkout", 12)
    monkeypatch.setattr(ports, "callers_of_operations", lambda version, days: {"createOrder": [checkout]})
    change = gate_of(edit(breaking)).of("breaking")[0]
    assert (change.applications, change.calls) == ((checkout,), 12)


def test_where_approvals_are_asked_for_somebody_else_judges_first(edit, strict, developer, publisher, owner):
    revision = edit(safe, developer)
    strict()
    revision = Revision.objects.get(pk=revision.pk)
    with pytest.raises(Conflict, match="one other person"):
        release_revision(revision=revision, actor=publisher)
    submit_for_review(version=revision.version, actor=developer)
    revision.refresh_from_db()
    version = ApiVersion.objects.get(pk=revision.version_id)
    assert (version.state, revision.state) == ("published", "in_review")
    review_revision(revision=revision, verdict="approved", actor=owner)
    release_revision(revision=revision, actor=publisher)
    assert current_revision(version) == revision


def test_a_rejected_revision_goes_on_as_a_copy_and_what_is_served_stays(edit, strict, developer, publisher):
    revision = edit(safe, developer)
    strict()
    submit_for_review(version=revision.version, actor=developer)
    revision.refresh_from_db()
    review_revision(revision=revision, verdict="rejected", comment="Say who may drop.", actor=publisher)
    version = ApiVersion.objects.get(pk=revision.version_id)
    assert version.state == "published"
    assert list(version.revisions.values_list("state", flat=True)) == ["current", "rejected", "draft"]


def test_who_wrote_in_an_earlier_copy_does_not_judge(edit, strict, developer, publisher, owner):
    from apis.services.reviews import withdraw_from_review

    revision = edit(safe, publisher)
    save_draft(revision=revision, source=revision.source, if_match="*", actor=developer)
    strict()
    submit_for_review(version=revision.version, actor=developer)
    withdraw_from_review(version=revision.version, actor=developer)
    submit_for_review(version=revision.version, actor=developer)
    frozen = revision.version.revisions.get(state="in_review")
    with pytest.raises(Conflict, match="somebody else has to judge"):
        review_revision(revision=frozen, verdict="approved", actor=publisher)
    assert review_revision(revision=frozen, verdict="approved", actor=owner).verdict == "approved"


def test_rolling_back_serves_what_was_served_before(edit, published, publisher, signals):
    release_revision(revision=edit(safe), actor=publisher)
    version = ApiVersion.objects.get(pk=published.pk)
    first = version.revisions.get(number=1)
    signals.clear()
    release = roll_back(revision=first, actor=publisher, reason="Errors rose.")
    assert (release.kind, release.note) == (Release.Kind.ROLL_BACK, "Errors rose.")
    assert list(version.revisions.values_list("state", flat=True)) == ["current", "superseded"]
    assert Deployment.objects.get(version=version).revision == first
    assert [name for name, _ in signals] == ["version_changed"]


def test_what_was_never_served_is_not_rolled_back_to(edit, strict, developer, publisher):
    from apis.services.reviews import withdraw_from_review

    revision = edit(safe, developer)
    strict()
    submit_for_review(version=revision.version, actor=developer)
    withdraw_from_review(version=revision.version, actor=developer)
    revision.refresh_from_db()
    assert revision.state == "superseded"
    with pytest.raises(Conflict, match="never served"):
        roll_back(revision=revision, actor=publisher)


def test_of_two_releases_at_once_the_second_compares_again(edit, publisher, monkeypatch):
    revision = edit(safe)
    stale = gate_of(revision)
    release_revision(revision=revision, actor=publisher)
    again = start_revision(version=revision.version, actor=publisher)
    again.version = revision.version
    monkeypatch.setattr("apis.services.releases.gate_of", lambda _: stale)
    with pytest.raises(Conflict, match="meanwhile") as caught:
        release_revision(revision=again, actor=publisher)
    assert caught.value.code == "move-lost"


def test_a_draft_is_discarded_and_what_is_current_stays(edit, published, developer, publisher):
    revision = edit(safe, developer)
    revision.refresh_from_db()
    discard_draft(revision=revision, actor=publisher)
    version = ApiVersion.objects.get(pk=published.pk)
    assert [row.state for row in version.revisions.all()] == ["current"]
    with pytest.raises(Conflict, match="no draft any more"):
        discard_draft(revision=revision, actor=publisher)


def test_the_first_publication_of_a_version_tells_what_changed_since_the_one_before(edit, publisher):
    from apis.services.publishing import publish_version

    version = move_to_next_version(revision=edit(breaking), actor=publisher)
    publish_version(version=version, actor=publisher)
    release = version.releases.get()
    assert (release.kind, release.level) == ("first", "breaking")
    assert release.changes[0]["code"] == "operation-removed"


def test_a_retired_or_draft_version_takes_no_revision(draft, publisher):
    with pytest.raises(Conflict):
        release_revision(revision=draft.revisions.get(), actor=publisher)
    with pytest.raises(Conflict, match="nothing but this revision"):
        discard_draft(revision=draft.revisions.get(), actor=publisher)


def test_the_gate_judges_what_the_gateway_asks_as_well(edit, publisher):
    revision = edit(lambda document: None)
    save_draft(revision=revision, max_body_bytes=1000, if_match="*", actor=publisher)
    with pytest.raises(Conflict, match="max_body_bytes went from") as caught:
        release_revision(revision=revision, actor=publisher)
    assert caught.value.code == "breaking-change"
