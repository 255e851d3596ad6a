"""Whose calls and whose money somebody sees: by permissions, and from a team above."""

import pytest

from teams.models import CustomRole, Membership, Team
from usage.selectors.visibility import sight_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def below(team):
    return Team.objects.create(slug="below", name="Below", parent=team, ancestor_ids=[team.pk])


def seen(person, place):
    sight, team_id = sight_of(person), place.public_id
    return (
        sight.may_see_call(team_id=team_id, owner_team_id=""),
        sight.may_see_money(team_id=team_id, owner_team_id=""),
        sight.may_see_provided(team_id),
    )


def test_a_viewer_sees_the_teams_spending_and_a_publisher_its_callers_costs(team, member, publisher, stranger):
    assert seen(member, team) == (True, True, False)
    assert seen(publisher, team) == (True, True, True)
    assert seen(stranger, team) == (False, False, False)


@pytest.mark.parametrize(
    ("permissions", "sees"),
    [([], (True, False, False)), (["costs.view"], (True, True, False)), (["costs.callers"], (True, False, True))],
)
def test_money_is_seen_by_its_permissions_alone(team, stranger, permissions, sees):
    role = CustomRole.objects.create(team=team, slug="r", name="R", permissions=["team.view", *permissions])
    Membership.objects.create(user=stranger, team=team, custom_role=role)
    assert seen(stranger, team) == sees


def test_a_team_above_sees_what_lies_below_and_not_the_other_way(team, below, publisher, member, make_user):
    local = make_user("local", below, "owner")
    assert seen(publisher, below) == (True, True, True)
    assert seen(member, below) == (True, True, False)
    assert seen(local, below) == (True, True, True)
    assert seen(local, team) == (False, False, False)
