import pytest

from apis.models import ApiVersion, Revision
from apis.services.documents import save_draft
from apis.services.publishing import publish_version
from apis.services.reviews import reopen_draft, review_revision, submit_for_review, withdraw_from_review
from common.errors import Conflict, Invalid, NotAllowed, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict(team):
    team.required_approvals = 2
    team.save()
    return team


@pytest.fixture
def in_review(strict, make_api, developer):
    version = make_api(actor=developer).versions.get()
    return submit_for_review(version=version, actor=developer)


def revision_of(version):
    return Revision.objects.select_related("version__api__team").get(version=version, state="in_review")


def approve(version, actor):
    return review_revision(revision=revision_of(version), verdict="approved", actor=actor)


def test_sending_for_review_freezes_the_revision(in_review):
    assert in_review.state == "in_review"
    assert revision_of(in_review).submitted_at is not None
    assert in_review.transitions.get().move == "submit"


def test_the_number_of_approvals_of_the_team_approves(in_review, publisher, owner):
    approve(in_review, publisher)
    assert ApiVersion.objects.get(pk=in_review.pk).state == "in_review"
    approve(in_review, owner)
    version = ApiVersion.objects.get(pk=in_review.pk)
    assert version.state == "approved"
    assert version.revisions.get().state == "approved"
    assert publish_version(version=version, actor=publisher).state == "published"


def test_nobody_judges_twice(in_review, publisher):
    approve(in_review, publisher)
    with pytest.raises(Conflict, match="judged this revision already"):
        approve(in_review, publisher)


def test_the_author_never_judges(strict, make_api, publisher):
    version = make_api(actor=publisher).versions.get()
    submit_for_review(version=version, actor=publisher)
    with pytest.raises(Conflict, match="somebody else has to judge"):
        approve(version, publisher)


def test_who_once_saved_the_revision_is_an_author_too(strict, make_api, publisher, developer, document):
    version = make_api(actor=publisher).versions.get()
    revision = version.revisions.get()
    save_draft(revision=revision, source=document, if_match="*", actor=developer)
    submit_for_review(version=version, actor=developer)
    with pytest.raises(Conflict, match="somebody else has to judge"):
        approve(version, publisher)


def test_a_rejection_needs_words_and_gives_a_new_draft_with_the_same_content(in_review, publisher, developer):
    revision = revision_of(in_review)
    with pytest.raises(Invalid):
        review_revision(revision=revision, verdict="rejected", actor=publisher)
    review_revision(revision=revision, verdict="rejected", comment="Name the errors.", actor=publisher)
    version = ApiVersion.objects.get(pk=in_review.pk)
    assert version.state == "draft"
    old, new = version.revisions.order_by("number")
    assert (old.state, new.state, new.number) == ("rejected", "draft", 2)
    assert new.content_hash == old.content_hash
    assert new.operations.count() == old.operations.count() == 3
    assert new.author == developer


def test_withdrawing_and_reopening_go_back_to_an_editable_copy(in_review, developer, publisher, owner):
    withdraw_from_review(version=in_review, actor=developer)
    assert in_review.state == "draft"
    assert in_review.revisions.get(state="draft").number == 2
    submit_for_review(version=in_review, actor=developer)
    approve(in_review, publisher)
    approve(in_review, owner)
    version = ApiVersion.objects.get(pk=in_review.pk)
    reopen_draft(version=version, actor=publisher)
    assert version.state == "draft"
    assert version.revisions.get(state="draft").number == 3


def test_a_draft_without_valid_document_or_upstream_is_not_sent(team, developer, make_api):
    version = make_api(source="openapi: 3.1.0", upstream="").versions.get()
    with pytest.raises(Conflict) as caught:
        submit_for_review(version=version, actor=developer)
    assert len(caught.value.context["reasons"]) == 2
    assert ApiVersion.objects.get(pk=version.pk).state == "draft"


def test_a_draft_without_an_operation_or_an_open_plan_is_not_sent(make_api, developer):
    source = '{"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}'
    version = make_api(source=source).versions.get()
    version.api.plans.update(is_open=False)
    with pytest.raises(Conflict) as caught:
        submit_for_review(version=version, actor=developer)
    assert "no operation" in caught.value.detail
    assert "No plan is open" in caught.value.detail


def test_roles_decide_who_sends_and_judges(draft, in_review, member, developer, stranger):
    with pytest.raises(NotAllowed):
        submit_for_review(version=draft, actor=member)
    with pytest.raises(NotFound):
        submit_for_review(version=draft, actor=stranger)
    with pytest.raises(NotAllowed):
        approve(in_review, developer)
    with pytest.raises(NotFound):
        approve(in_review, stranger)


def test_a_revision_that_is_not_in_review_is_not_judged(draft, publisher):
    with pytest.raises(Conflict, match="not in review"):
        review_revision(revision=draft.revisions.get(), verdict="approved", actor=publisher)
    with pytest.raises(Invalid):
        review_revision(revision=draft.revisions.get(), verdict="perhaps", actor=publisher)
