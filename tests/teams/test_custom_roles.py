"""Custom roles: who makes them, what they allow, that nobody gives what they lack, and how they go."""

import pytest

from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent, CustomRole, Event, Invitation, Membership, Team
from teams.permissions import BUILT_IN, CATALOGUE
from teams.roles import (
    has_permission,
    people_with,
    permissions_by_team,
    permissions_in,
    require_permission,
    teams_of,
    teams_with,
)
from teams.services.custom_roles import create_role, delete_role, update_role
from teams.services.departures import deactivate_person, owned_by
from teams.services.people import accept_invitation, change_role, invite_member, remove_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_team(db):
    return Team.objects.create(slug="orders", name="Orders")


@pytest.fixture
def captain(owner, team):
    """A role of the team that publishes and nothing else."""
    return create_role(name="Release captain", permissions=["apis.publish"], team=team, actor=owner)


@pytest.fixture
def people_lead(owner, team):
    """A role of the team that manages its members and nothing else."""
    return create_role(name="People lead", permissions=["members.manage"], team=team, actor=owner)


def held_by(user, role, team):
    return Membership.objects.create(user=user, team=team, custom_role=role)


def test_an_owner_makes_a_role_of_their_team(owner, team, captain):
    assert captain.slug == "release-captain"
    assert captain.permissions == ["team.view", "apis.publish"]
    entry = AuditEvent.objects.get(verb="role.create")
    assert (entry.team, entry.after["name"]) == (team, "Release captain")
    assert Event.objects.filter(team=team, type="role.created").exists()


@pytest.mark.parametrize("who", ["publisher", "developer", "member"])
def test_who_manages_no_members_makes_no_role(request, team, who):
    with pytest.raises(NotAllowed):
        create_role(name="Mine", permissions=[], team=team, actor=request.getfixturevalue(who))


def test_a_stranger_does_not_learn_of_the_team_by_making_a_role(team, stranger):
    with pytest.raises(NotFound):
        create_role(name="Mine", permissions=[], team=team, actor=stranger)


def test_only_a_platform_admin_makes_a_role_for_every_team(admin, owner):
    with pytest.raises(NotAllowed):
        create_role(name="Billing", permissions=["costs.view"], actor=owner)
    assert create_role(name="Billing", permissions=["costs.view"], actor=admin).team is None


def test_an_unknown_permission_is_named(owner, team):
    with pytest.raises(Invalid) as refusal:
        create_role(name="Odd", permissions=["apis.explode"], team=team, actor=owner)
    assert "apis.explode" in refusal.value.detail


@pytest.mark.parametrize("slug", ["owner", "release-captain", "billing"])
def test_a_slug_that_means_another_role_here_is_taken(admin, owner, team, captain, slug):
    create_role(name="Billing", permissions=[], actor=admin)
    with pytest.raises(Conflict) as refusal:
        create_role(name="Again", slug=slug, permissions=[], team=team, actor=owner)
    assert refusal.value.code == "name-taken"


def test_two_teams_may_have_a_role_of_the_same_name(owner, other_team, captain):
    Membership.objects.create(user=owner, team=other_team, role="owner")
    again = create_role(name="Release captain", permissions=[], team=other_team, actor=owner)
    assert again.slug == captain.slug


@pytest.mark.parametrize("permission", [row.name for row in CATALOGUE])
def test_each_permission_is_what_its_role_allows_and_no_more(owner, team, other_team, make_user, permission):
    role = create_role(name="One", permissions=[permission], team=team, actor=owner)
    person = make_user("one")
    held_by(person, role, team)
    for known in CATALOGUE:
        is_allowed = known.name in {"team.view", permission}
        assert has_permission(person, team, known.name) is is_allowed
        assert teams_with(person, known.name).filter(pk=team.pk).exists() is is_allowed
        assert people_with(team, known.name).filter(pk=person.pk).exists() is is_allowed
    assert permissions_by_team(person) == {team: {"team.view", permission}}
    assert not permissions_in(person, other_team)
    assert list(teams_of(person)) == [team]


def test_a_refusal_names_the_role_that_may_and_ones_own(owner, team, captain, make_user):
    person = make_user("one")
    held_by(person, captain, team)
    with pytest.raises(NotAllowed) as refusal:
        require_permission(actor=person, team=team, permission="plans.manage", what="add a plan")
    assert refusal.value.detail == "Only a publisher of Payments may add a plan; you are release captain."
    assert refusal.value.context == {"role": "publisher", "permission": "plans.manage"}


def test_a_member_is_given_a_custom_role_and_loses_the_old_one(owner, team, developer, captain):
    membership = Membership.objects.get(user=developer)
    change_role(membership=membership, role="release-captain", actor=owner)
    membership.refresh_from_db()
    assert (membership.role, membership.role_name) == ("", "Release captain")
    assert not has_permission(developer, team, "apis.design")
    change_role(membership=membership, role="developer", actor=owner)
    assert permissions_in(developer, team) == BUILT_IN["developer"]


def test_a_role_of_another_team_is_no_role_here(owner, developer, other_team):
    CustomRole.objects.create(team=other_team, slug="theirs", name="Theirs", permissions=["team.view"])
    with pytest.raises(Invalid) as refusal:
        change_role(membership=Membership.objects.get(user=developer), role="theirs", actor=owner)
    assert "Choose one of: owner, publisher, developer, viewer." in refusal.value.detail


def test_an_invitation_offers_a_custom_role(owner, team, captain):
    invitation, code = invite_member(team=team, email="new@example.com", role="release-captain", actor=owner)
    assert invitation.role_name == "Release captain"
    person = accept_invitation(code=code, name="Newcomer", password="a long enough word")
    assert permissions_in(person, team) == {"team.view", "apis.publish"}


# Nobody gives, takes or changes what they do not hold.


@pytest.fixture
def lead(make_user, team, people_lead):
    person = make_user("lead")
    held_by(person, people_lead, team)
    return person


def test_who_manages_members_alone_gives_no_more_than_they_have(lead, team, developer):
    for role in ("publisher", "owner"):
        with pytest.raises(NotAllowed) as refusal:
            change_role(membership=Membership.objects.get(user=lead), role=role, actor=lead)
        assert "you" in refusal.value.detail
        with pytest.raises(NotAllowed):
            invite_member(team=team, email="friend@example.com", role=role, actor=lead)
    assert permissions_in(lead, team) == {"team.view", "members.manage"}


def test_they_make_no_role_and_change_none_to_have_more(lead, owner, team, people_lead, captain):
    with pytest.raises(NotAllowed):
        create_role(name="More", permissions=["team.manage"], team=team, actor=lead)
    with pytest.raises(NotAllowed):
        update_role(role=people_lead, permissions=["members.manage", "team.manage"], actor=lead)
    for change in (
        lambda: update_role(role=captain, permissions=[], actor=lead),
        lambda: delete_role(role=captain, actor=lead),
    ):
        with pytest.raises(NotAllowed):
            change()
    people_lead.refresh_from_db()
    assert people_lead.permissions == ["team.view", "members.manage"]


def test_they_take_no_role_that_is_more_than_theirs(lead, owner, team):
    membership = Membership.objects.get(user=owner)
    with pytest.raises(NotAllowed):
        remove_member(membership=membership, actor=lead)
    with pytest.raises(NotAllowed):
        change_role(membership=membership, role="viewer", actor=lead)
    assert permissions_in(owner, team) == BUILT_IN["owner"]


def test_they_invite_and_remove_whom_they_may(lead, team, make_user, owner):
    create_role(name="Guest", permissions=[], team=team, actor=owner)
    guest = make_user("guest")
    membership = held_by(guest, CustomRole.objects.get(slug="guest"), team)
    invite_member(team=team, email="friend@example.com", role="guest", actor=lead)
    remove_member(membership=membership, actor=lead)
    assert not Membership.objects.filter(user=guest).exists()


# Somebody stays who manages the members.


def test_the_last_who_manages_members_stays_by_whatever_role(owner, lead, team, people_lead):
    remove_member(membership=Membership.objects.get(user=owner), actor=owner)
    last = Membership.objects.get(user=lead)
    with pytest.raises(Conflict) as refusal:
        remove_member(membership=last, actor=lead)
    assert refusal.value.code == "last-owner"


def test_a_role_does_not_lose_what_its_team_needs(owner, lead, admin, team, people_lead):
    remove_member(membership=Membership.objects.get(user=owner), actor=owner)
    with pytest.raises(Conflict):
        update_role(role=people_lead, permissions=[], actor=admin)
    with pytest.raises(Conflict):
        delete_role(role=people_lead, replacement="viewer", actor=admin)
    people_lead.refresh_from_db()
    assert "members.manage" in people_lead.permissions
    assert Membership.objects.get(user=lead).custom_role == people_lead


def test_a_leaver_who_alone_managed_members_hands_the_team_over(owner, lead, admin, team, stranger):
    remove_member(membership=Membership.objects.get(user=owner), actor=owner)
    assert owned_by(lead) == {"alone": ["Payments"], "teams": ["Payments"]}
    deactivate_person(user=lead, successor=stranger, actor=admin)
    assert Membership.objects.get(user=stranger).role == "owner"


# Change and delete.


def test_a_change_counts_for_all_who_hold_the_role_and_their_teams_are_told(admin, team, other_team, make_user):
    role = create_role(name="Helper", permissions=["keys.manage"], actor=admin)
    people = [make_user("one"), make_user("two")]
    for person, where in zip(people, (team, other_team), strict=True):
        held_by(person, role, where)
    update_role(role=role, permissions=["apis.design"], actor=admin, row_version=role.row_version)
    assert has_permission(people[0], team, "apis.design")
    assert not has_permission(people[1], other_team, "keys.manage")
    told = Event.objects.filter(type="role.updated").values_list("team__slug", flat=True)
    assert sorted(told) == ["orders", "payments"]
    with pytest.raises(Stale):
        update_role(role=role, permissions=[], actor=admin, row_version=1)


def test_a_role_in_use_goes_only_with_a_replacement(owner, team, captain, make_user):
    person = make_user("one")
    held_by(person, captain, team)
    invite_member(team=team, email="new@example.com", role="release-captain", actor=owner)
    with pytest.raises(Conflict) as refusal:
        delete_role(role=captain, actor=owner)
    assert refusal.value.code == "role-in-use"
    assert refusal.value.detail.startswith("1 member of 1 team and 1 open invitation have this role.")
    assert delete_role(role=captain, replacement="publisher", actor=owner) == 1
    assert not CustomRole.objects.filter(slug="release-captain").exists()
    assert Membership.objects.get(user=person).role == "publisher"
    assert Invitation.objects.get().role == "publisher"
    entry = AuditEvent.objects.get(verb="team.change_role")
    assert (entry.before, entry.after) == ({"role": "release-captain"}, {"role": "publisher"})


def test_a_replacement_that_is_none_leaves_everything(owner, team, captain, make_user):
    held_by(make_user("one"), captain, team)
    for replacement in ("release-captain", "nonsense"):
        with pytest.raises(Invalid):
            delete_role(role=captain, replacement=replacement, actor=owner)
    assert Membership.objects.filter(custom_role=captain).exists()


def test_a_role_of_every_team_is_replaced_by_one_of_every_team(admin, owner, team, captain, make_user):
    role = create_role(name="Helper", permissions=[], actor=admin)
    held_by(make_user("one"), role, team)
    with pytest.raises(Invalid):
        delete_role(role=role, replacement="release-captain", actor=admin)
    assert delete_role(role=role, replacement="viewer", actor=admin) == 1


def test_permissions_are_asked_for_in_one_query(owner, team, captain, make_user, django_assert_num_queries):
    person = make_user("one")
    held_by(person, captain, team)
    with django_assert_num_queries(1):
        permissions_in(person, team)
    with django_assert_num_queries(1):
        list(teams_with(person, "apis.publish"))
