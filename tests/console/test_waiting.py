"""What waits for a person, on Home and in the list of reviews."""

from __future__ import annotations

import pytest

from apis.models import Revision
from apis.services.publishing import publish_version
from apis.services.reviews import review_revision, submit_for_review
from apis.services.revisions import start_revision
from console.home.views import waiting_for
from console.workspace.lists import reviews_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(draft, publisher):
    return publish_version(version=draft, actor=publisher)


@pytest.fixture
def in_review(team, published, publisher) -> Revision:
    """The second revision of a version that is served."""
    revision = start_revision(version=published, actor=publisher)
    team.required_approvals = 1
    team.save()
    submit_for_review(version=published, actor=publisher)
    revision.refresh_from_db()
    return revision


def told(person) -> dict[str, str]:
    return {item.text: item.url for item in waiting_for(person)}


def test_a_review_leads_to_the_revision_itself(in_review, owner):
    url = f"/workspace/payments/orders/v1/revisions/{in_review.number}/review"
    assert told(owner) == {"Review Orders v1, revision 2": url}


def test_nobody_is_asked_to_judge_their_own(in_review, publisher, owner, developer):
    assert told(publisher) == {}
    assert told(developer) == {}
    assert not reviews_for(publisher).exists()
    assert reviews_for(owner).get() == in_review


def test_where_owners_alone_review_publishers_are_not_asked(in_review, team, owner, make_user):
    other = make_user("other", team, "publisher")
    assert reviews_for(other).exists()
    team.reviewer_role = "owner"
    team.save()
    assert not reviews_for(other).exists()
    assert told(other) == {}
    assert reviews_for(owner).exists()


def test_an_author_is_asked_for_the_changes_until_they_send_them(in_review, team, publisher, owner, developer):
    review_revision(revision=in_review, verdict="rejected", comment="Say more", actor=owner)
    assert told(publisher) == {"Orders v1: changes were asked for": "/workspace/payments/orders/v1/design"}
    assert told(developer) == told(owner) == {}
    submit_for_review(version=in_review.version, actor=publisher)
    assert told(publisher) == {}
