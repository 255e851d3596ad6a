import pytest

from apis.models import ReviewComment
from apis.services.comments import comment_on_revision, resolve_comment
from apis.services.reviews import review_revision, submit_for_review
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import AuditEvent, Notice
from teams.services.people import update_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_review(draft, publisher, team):
    team.required_approvals = 1
    team.save()
    draft.refresh_from_db()
    submit_for_review(version=draft, actor=publisher)
    revision = draft.revisions.get()
    revision.version = draft
    return revision


def told(user) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("id").values_list("title", flat=True))


def test_a_line_is_commented_on_answered_and_resolved(in_review, owner, publisher, developer):
    first = comment_on_revision(revision=in_review, line=1, body="Why so?", actor=owner)
    assert told(publisher) == ["Owner on line 1 of Orders v1"]
    comment_on_revision(revision=in_review, line=1, body="Because.", actor=publisher)
    assert told(owner)[-1] == "Publisher on line 1 of Orders v1"
    comment_on_revision(revision=in_review, line=0, body="On the whole.", actor=developer)
    assert told(publisher)[-1] == "Developer on Orders v1"
    resolve_comment(comment=first, actor=publisher)
    with pytest.raises(Conflict):
        resolve_comment(comment=first, actor=publisher)
    # The audit log keeps where, not what.
    assert "Why so?" not in str(list(AuditEvent.objects.values_list("after", "reason")))


def test_who_may_comment_and_on_what(in_review, member, stranger, developer):
    for person, refusal in ((member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refusal):
            comment_on_revision(revision=in_review, line=1, body="x", actor=person)
    with pytest.raises(Invalid) as caught:
        comment_on_revision(revision=in_review, line=99_999, body=" ", actor=developer)
    assert [error["pointer"] for error in caught.value.errors] == ["/body", "/line"]


def test_an_approval_ticks_the_whole_checklist(in_review, team, owner):
    update_team(team=team, actor=owner, review_checklist="Names are good\n\nLimits are named")
    in_review.version.api.team.refresh_from_db()
    with pytest.raises(Invalid, match="Limits are named"):
        review_revision(revision=in_review, verdict="approved", actor=owner, checked=["Names are good"])
    review = review_revision(
        revision=in_review, verdict="approved", actor=owner, checked=["Names are good", "Limits are named"]
    )
    assert review.checked == ["Names are good", "Limits are named"]


def test_asking_for_changes_needs_no_tick(in_review, team, owner):
    update_team(team=team, actor=owner, review_checklist="Names are good")
    in_review.version.api.team.refresh_from_db()
    assert review_revision(revision=in_review, verdict="rejected", comment="Names.", actor=owner).checked == []


def test_by_the_team_s_rule_owners_alone_review(in_review, team, owner, make_user):
    update_team(team=team, actor=owner, reviewer_role="owner")
    in_review.version.api.team.refresh_from_db()
    other = make_user("second", team, "publisher")
    with pytest.raises(NotAllowed, match="Only an owner"):
        review_revision(revision=in_review, verdict="approved", actor=other)
    review_revision(revision=in_review, verdict="approved", actor=owner)


def test_who_asked_for_changes_is_asked_again(in_review, owner, publisher, make_user, team):
    other = make_user("second", team, "publisher")
    review_revision(revision=in_review, verdict="rejected", comment="Better names.", actor=owner)
    assert told(publisher)[-1] == "Owner asks for changes to revision 1 of Orders v1"
    version = in_review.version
    version.refresh_from_db()
    submit_for_review(version=version, actor=publisher)
    assert told(owner)[-1] == "Orders v1 was changed as you asked"
    assert "Better names." in Notice.objects.filter(user=owner).latest("id").text
    assert told(other)[-1] == "Orders v1 waits for a review"


def test_over_rest_and_by_page(in_review, owner, developer, member, stranger, api_as, as_user):
    base = f"/api/v1/revisions/{in_review.public_id}/comments"
    made = api_as(owner).post(base, {"line": 1, "body": "Why so?"})
    assert (made.status_code, made.json()["author"]) == (201, "Owner")
    assert api_as(member).post(base, {"body": "x"}).status_code == 403
    assert api_as(stranger).get(base).status_code == 404
    assert api_as(owner).post(base, {"line": 99_999, "body": "x"}).status_code == 422
    page = as_user(developer)
    review = "/workspace/payments/orders/v1/revisions/1/review"
    shown = page.get(f"{review}?line=1").content.decode()
    assert "Why so?" in shown
    assert "Comment on line 1" in shown
    assert 'href="?line=1#line-1">line 1</a>' in shown
    page.post(review.replace("review", "comments"), {"line": "1", "body": "<b>Because</b>"})
    assert "&lt;b&gt;Because" in page.get(review).content.decode()
    done = api_as(developer).post(f"{base}/{made.json()['id']}/resolve")
    assert done.json()["resolved_at"]
    comment = ReviewComment.objects.get(resolved_at=None)
    page.post(f"{review.replace('review', 'comments')}/{comment.public_id}/resolve")
    assert not ReviewComment.objects.filter(resolved_at=None).exists()


def test_a_long_document_is_shown_by_windows(in_review, as_user, developer):
    in_review.source = "\n".join(f"# {n}" for n in range(1, 5001))
    in_review.save()
    client = as_user(developer)
    review = "/workspace/payments/orders/v1/revisions/1/review"
    page = client.get(review).content.decode()
    assert "# 300<" in page
    assert "# 301<" not in page
    assert "?from=301#document" in page
    assert "# 4000<" in client.get(f"{review}?line=4000").content.decode()
    for odd in ("?line=x", "?from=-1", "?from=999999999999", "?line=0"):
        assert client.get(review + odd).status_code == 200
