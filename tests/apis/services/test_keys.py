import jwt
import pytest
from django.conf import settings

from apis.services.contracts import update_api
from apis.services.keys import get_key
from apis.services.plans import update_plan
from apis.services.subscriptions import end_subscription
from apis.try_it import mint_try_it_token
from common.errors import Conflict, NotAllowed, NotFound
from common.sealed import hash_secret
from gateway.dataplane.keys import derive_key, is_well_formed
from teams.models import Application, Membership

pytestmark = pytest.mark.django_db


def test_one_step_gives_application_subscription_and_key(published, consumer, other_team):
    grant = get_key(version=published, actor=consumer)
    assert (grant.application.name, grant.application.team) == ("My first application", other_team)
    assert (grant.subscription.state, grant.subscription.plan.slug) == ("active", "free")
    assert is_well_formed(grant.key)
    assert grant.credential.key_hash == hash_secret(grant.key)


def test_the_second_key_reuses_application_and_subscription(published, consumer):
    first, second = get_key(version=published, actor=consumer), get_key(version=published, actor=consumer)
    assert first.application == second.application
    assert first.subscription == second.subscription
    assert first.key != second.key


def test_a_plan_that_needs_approval_is_never_taken_by_itself(published, plan, consumer, publisher):
    update_plan(plan=plan, requires_approval=True, actor=publisher)
    with pytest.raises(Conflict, match="needs an approval"):
        get_key(version=published, actor=consumer)
    assert not Application.objects.exists()
    assert get_key(version=published, plan=plan, actor=consumer).subscription.state == "pending"


def test_what_is_not_visible_is_not_found(published, consumer, publisher, draft):
    update_api(api=published.api, visibility="team", actor=publisher)
    with pytest.raises(NotFound):
        get_key(version=published, actor=consumer)


def test_a_viewer_or_a_person_without_team_is_told_which_role_it_takes(published, member, stranger):
    for actor in (member, stranger):
        with pytest.raises(NotAllowed):
            get_key(version=published, actor=actor)


def test_the_key_is_for_a_team_that_may_use_the_api(published, publisher, consumer, team):
    update_api(api=published.api, visibility="team", actor=publisher)
    Membership.objects.create(user=consumer, team=team, role="developer")
    assert get_key(version=published, actor=consumer).application.team == team


def test_the_try_it_token_is_signed_for_a_quarter_of_an_hour(published, consumer, publisher):
    subscription = get_key(version=published, actor=consumer).subscription
    token = mint_try_it_token(user=consumer, subscription=subscription)
    assert token.startswith("gh_try_")
    claims = jwt.decode(token.removeprefix("gh_try_"), derive_key(settings.MASTER_KEY, "try-it"), algorithms=["HS256"])
    assert (claims["sub"], claims["sid"]) == (consumer.public_id, subscription.public_id)
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"]
    with pytest.raises(NotFound):
        mint_try_it_token(user=publisher, subscription=subscription)
    end_subscription(subscription=subscription, actor=consumer)
    with pytest.raises(Conflict):
        mint_try_it_token(user=consumer, subscription=subscription)
