"""What a service account does with APIs: it makes and sends them, a person answers for them and reviews."""

from __future__ import annotations

import pytest

from apis.services.contracts import create_api, update_api
from apis.services.reviews import review_revision
from common.errors import Invalid, NotAllowed
from teams.models import Team
from teams.services.service_accounts import create_service_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(team, owner):
    return create_service_account(team=team, name="CI", role="publisher", actor=owner).user


def test_an_owner_answers_for_what_it_makes(team, owner, account):
    api = create_api(team=team, kind="rest", name="Orders", actor=account)
    assert (api.created_by, api.owner, api.on_call) == (account, owner, owner.email)
    with pytest.raises(Invalid, match="must be a developer"):
        update_api(api=api, actor=owner, owner=account)


def test_it_never_reviews(team, owner, account):
    Team.objects.update(required_approvals=1)
    api = create_api(team=team, kind="rest", name="Orders", actor=owner)
    with pytest.raises(NotAllowed, match="a person of the team"):
        review_revision(revision=api.versions.get().revisions.get(), verdict="approved", actor=account)
