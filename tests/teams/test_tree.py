"""The tree of teams: roles count below, rules get stricter only, moves make no cycle, also two at once."""

import threading

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent, Event, Membership, Team, User
from teams.permissions import BUILT_IN
from teams.roles import has_permission, people_with, permissions_by_team, permissions_in, teams_of, teams_with
from teams.selectors import inherited_members, team_for, usable_roles
from teams.services.custom_roles import create_role
from teams.services.people import change_role, create_team, remove_member, update_team
from teams.services.tree import MAX_DEPTH, delete_team, move_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def below(owner, team):
    return create_team(name="Payments EU", parent=team, actor=owner)


@pytest.fixture
def deeper(owner, below):
    return create_team(name="Payments DE", parent=below, actor=owner)


@pytest.fixture
def local(make_user, below):
    """Somebody of the team below alone."""
    return make_user("local", below, "owner")


def test_a_team_below_starts_with_the_rules_of_the_one_above(owner, team):
    update_team(team=team, actor=owner, required_approvals=2, minimum_notice_days=60, reviewer_role="owner")
    made = create_team(name="Below", parent=team, actor=owner)
    assert (made.required_approvals, made.minimum_notice_days, made.reviewer_role) == (2, 60, "owner")
    assert made.ancestor_ids == [team.pk]
    assert not made.memberships.exists()


@pytest.mark.parametrize("who", ["publisher", "developer", "member"])
def test_only_who_manages_a_team_makes_one_below_it(request, team, who):
    with pytest.raises(NotAllowed):
        create_team(name="Below", parent=team, actor=request.getfixturevalue(who))


def test_a_stranger_makes_none_below_and_learns_nothing(team, below, stranger):
    with pytest.raises(NotFound):
        create_team(name="Below", parent=team, actor=stranger)
    for known in (team, below):
        with pytest.raises(NotFound):
            team_for(stranger, known.slug)


@pytest.mark.parametrize("role", ["owner", "publisher", "developer", "viewer"])
def test_a_role_above_counts_on_every_level_below(make_user, team, below, deeper, role):
    person = make_user("one", team, role)
    for place in (team, below, deeper):
        assert permissions_in(person, place) == BUILT_IN[role]
        assert place in teams_with(person, "team.view")
    assert permissions_by_team(person) == dict.fromkeys((team, below, deeper), BUILT_IN[role])


def test_a_role_below_counts_for_nothing_above_or_beside(local, owner, team, below):
    beside = create_team(name="Payments US", parent=team, actor=owner)
    assert list(teams_of(local)) == [below]
    for place in (team, beside):
        assert not permissions_in(local, place)
        with pytest.raises(NotFound):
            team_for(local, place.slug)


def test_roles_above_and_here_add_up(make_user, team, below, owner):
    create_role(name="Keys", permissions=["keys.manage"], team=below, actor=owner)
    person = make_user("one", team, "viewer")
    held = Membership.objects.create(user=person, team=below, role="viewer")
    change_role(membership=held, role="keys", actor=owner)
    assert has_permission(person, below, "keys.manage")
    assert has_permission(person, below, "costs.view")
    assert not has_permission(person, team, "keys.manage")


def test_who_may_is_told_the_nearest_first(owner, local, below, deeper):
    assert list(people_with(deeper, "team.manage")) == [local]
    assert list(people_with(deeper, "apis.publish")) == [local]
    Membership.objects.filter(user=local).delete()
    assert list(people_with(deeper, "team.manage")) == [owner]
    assert [row.user for row in inherited_members(deeper)] == [owner]


def test_a_team_below_does_without_an_owner_of_its_own(local, below):
    remove_member(membership=Membership.objects.get(user=local), actor=local)
    assert not below.memberships.exists()


def test_a_role_of_the_team_above_is_usable_below_and_the_nearer_of_two_counts(owner, team, below):
    create_role(name="Helper", permissions=["keys.manage"], team=team, actor=owner)
    assert [role.slug for role in usable_roles(below)] == ["helper"]
    assert not usable_roles(None)


# Rules.


@pytest.mark.parametrize(
    ("name", "lax", "strict"),
    [("required_approvals", 1, 3), ("minimum_notice_days", 5, 90), ("reviewer_role", "publisher", "owner")],
)
def test_a_team_below_is_never_laxer(owner, team, below, name, lax, strict):
    update_team(team=below, actor=owner, **{name: strict})
    update_team(team=team, actor=owner, **{name: strict})
    below.refresh_from_db()
    with pytest.raises(Invalid) as refusal:
        update_team(team=below, actor=owner, **{name: lax})
    assert refusal.value.errors[0]["pointer"] == f"/{name}"


def test_a_team_gets_no_stricter_than_one_below_it_is(owner, team, below):
    with pytest.raises(Invalid) as refusal:
        update_team(team=team, actor=owner, required_approvals=2)
    assert "Payments EU" in refusal.value.detail


def test_a_laxer_team_does_not_move_below_a_stricter_one(admin, team):
    strict = create_team(name="Strict", actor=admin, required_approvals=2)
    with pytest.raises(Invalid):
        move_team(team=team, parent=strict, actor=admin)


# Moves.


def test_a_move_takes_all_below_along_and_is_told(admin, owner, team, below, deeper):
    top = create_team(name="Top", actor=admin, required_approvals=0, minimum_notice_days=0)
    move_team(team=team, parent=top, actor=admin)
    deeper.refresh_from_db()
    assert deeper.ancestor_ids == [top.pk, team.pk, below.pk]
    assert has_permission(admin, deeper, "team.manage")
    entry = AuditEvent.objects.get(verb="team.move")
    assert (entry.before, entry.after) == ({"parent": None}, {"parent": "top"})
    assert Event.objects.filter(team=team, type="team.moved").exists()


def test_a_move_ends_what_came_from_above(make_user, admin, owner, team, below, local):
    person = make_user("one", team, "publisher")
    move_team(team=below, parent=None, actor=admin)
    assert not permissions_in(person, below)
    assert permissions_in(local, below) == BUILT_IN["owner"]


def test_who_manages_the_team_alone_does_not_take_it_out(local, below):
    with pytest.raises(NotFound):
        move_team(team=below, parent=None, actor=local)


def test_nobody_moves_a_team_where_they_manage_nothing(owner, admin, below):
    foreign = create_team(name="Foreign", actor=admin, required_approvals=0, minimum_notice_days=0)
    with pytest.raises(NotFound):
        move_team(team=below, parent=foreign, actor=owner)


def test_who_manages_the_settings_alone_takes_no_team_below_their_own(owner, team, make_user, admin):
    role = create_role(name="Settings", permissions=["team.manage"], team=team, actor=owner)
    person = make_user("one")
    Membership.objects.create(user=person, team=team, custom_role=role)
    theirs = create_team(name="Theirs", actor=person, required_approvals=0, minimum_notice_days=0)
    with pytest.raises(NotAllowed) as refusal:
        move_team(team=team, parent=theirs, actor=person)
    assert "manage members" in refusal.value.detail
    assert permissions_in(person, team) == {"team.view", "team.manage"}
    Membership.objects.create(user=owner, team=theirs, role="owner")
    move_team(team=team, parent=theirs, actor=owner)


def test_a_team_is_not_its_own_ancestor(owner, team, below, deeper):
    for target in (team, below, deeper):
        with pytest.raises(Conflict) as refusal:
            move_team(team=team, parent=target, actor=owner)
        assert refusal.value.code == "tree-cycle"


def test_the_tree_has_five_levels_at_most(owner, team):
    place = team
    for number in range(MAX_DEPTH - 1):
        place = create_team(name=f"Level {number}", parent=place, actor=owner)
    with pytest.raises(Conflict) as refusal:
        create_team(name="Too deep", parent=place, actor=owner)
    assert refusal.value.code == "tree-depth"


def test_a_team_without_an_owner_of_its_own_does_not_go_to_the_top(owner, below):
    with pytest.raises(Conflict) as refusal:
        move_team(team=below, parent=None, actor=owner)
    assert refusal.value.code == "last-owner"


def test_members_keep_no_role_of_a_team_that_is_above_no_more(admin, owner, team, below, local, make_user):
    role = create_role(name="Helper", permissions=[], team=team, actor=owner)
    Membership.objects.create(user=make_user("one"), team=below, custom_role=role)
    with pytest.raises(Conflict) as refusal:
        move_team(team=below, parent=None, actor=admin)
    assert "One (Helper)" in refusal.value.detail


def test_an_old_reading_moves_nothing(admin, team, below, local):
    with pytest.raises(Stale):
        move_team(team=below, parent=None, actor=admin, row_version=below.row_version + 1)


def test_a_team_goes_when_nothing_is_left(owner, team, below, deeper):
    with pytest.raises(Conflict) as refusal:
        delete_team(team=below, actor=owner)
    assert refusal.value.context["teams"] == ["Payments DE"]
    delete_team(team=deeper, actor=owner)
    delete_team(team=below, actor=owner)
    assert not Team.objects.filter(pk__in=[below.pk, deeper.pk]).exists()
    with pytest.raises(NotAllowed):
        delete_team(team=team, actor=owner)


def check_tree() -> None:
    """Every team's keys are those of its parents, up to the top."""
    teams = Team.objects.in_bulk()
    for team in teams.values():
        above, place = [], team.parent_id
        while place is not None:
            assert place not in above
            assert place != team.pk
            above.insert(0, place)
            place = teams[place].parent_id
        assert team.ancestor_ids == above
        assert len(above) < MAX_DEPTH


class AnyMoves(TestCase):
    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6)), max_size=10))
    def test_whatever_is_moved_the_tree_stays_a_tree(self, moves):
        admin = User.objects.create_user("a@example.com", name="A", is_platform_admin=True)
        teams = [create_team(name=f"T{number}", actor=admin) for number in range(7)]
        for index, target in moves:
            try:
                move_team(team=teams[index], parent=teams[target] if target >= 0 else None, actor=admin)
            except Conflict:
                continue
        check_tree()


@pytest.mark.django_db(transaction=True)
def test_two_moves_that_cross_make_no_cycle():
    admin = User.objects.create_user("a@example.com", name="A", is_platform_admin=True)
    for _ in range(5):
        one = create_team(name="One", slug="one", actor=admin)
        two = create_team(name="Two", slug="two", actor=admin)
        start, results = threading.Barrier(2), []

        def cross(team, parent, start=start, results=results):
            try:
                start.wait()
                move_team(team=team, parent=parent, actor=admin)
                results.append("moved")
            except Conflict as error:
                results.append(error.code)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=cross, args=pair) for pair in ((one, two), (two, one))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(results) == ["moved", "tree-cycle"]
        check_tree()
        for team in Team.objects.filter(slug__in=["one", "two"]).order_by("-ancestor_ids"):
            delete_team(team=team, actor=admin)


def test_a_tree_is_asked_for_in_one_query_however_deep(make_user, team, deeper, django_assert_num_queries):
    person = make_user("one", team, "viewer")
    with django_assert_num_queries(1):
        permissions_in(person, deeper)
    with django_assert_num_queries(1):
        assert len(teams_of(person)) == 3
    assert connection.vendor == "postgresql"
