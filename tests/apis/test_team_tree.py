"""What the tree of teams means for APIs: whom a share reaches, in the catalog and at the gateway, also after a move."""

import pytest

from apis.selectors.catalog import Catalog, CatalogFilters
from apis.selectors.visibility import is_shared_with, visible_apis
from apis.services.contracts import update_api
from apis.services.publishing import publish_version
from gateway.control.compiler import compile_route
from teams.models import Team
from teams.services.people import create_team
from teams.services.tree import move_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def department(admin):
    return create_team(name="Sales", actor=admin, required_approvals=0, minimum_notice_days=0)


@pytest.fixture
def group(admin, department):
    return create_team(name="Sales North", parent=department, actor=admin)


@pytest.fixture
def people(make_user, department, group, owner, stranger):
    """Somebody of the department, of the group below it, of a group beside that one, and of none."""
    beside = Team.objects.create(
        slug="beside", name="Beside", parent=department, ancestor_ids=[department.pk],
        required_approvals=0, minimum_notice_days=0,
    )  # fmt: skip
    return {
        "owner": owner, "department": make_user("head", department, "viewer"),
        "group": make_user("local", group, "viewer"), "beside": make_user("beside", beside, "viewer"),
        "stranger": stranger,
    }  # fmt: skip


@pytest.fixture
def shared(make_api, owner, department):
    """A published API that is shared with the department."""
    api = make_api(actor=owner, visibility="shared")
    publish_version(version=api.versions.get(), actor=owner)
    update_api(api=api, actor=owner, shared_with=[department])
    return api


def who_sees(api, people):
    seen = {name for name, person in people.items() if visible_apis(person).filter(pk=api.pk).exists()}
    found = {
        name for name, person in people.items() if Catalog(person, CatalogFilters()).entries().filter(api=api).exists()
    }
    assert seen == found
    return seen


def route_of(api):
    version = api.versions.get()
    return set(compile_route(version, version.revisions.get()).team_ids)


def test_what_is_shared_with_a_department_reaches_its_groups(shared, people, department, group, team):
    assert who_sees(shared, people) == {"owner", "department", "group", "beside"}
    assert is_shared_with(shared, group)
    beside = Team.objects.get(slug="beside")
    assert route_of(shared) == {row.public_id for row in (team, department, group, beside)}


def test_what_is_shared_with_a_group_reaches_its_department_and_no_neighbour(shared, people, owner, group):
    update_api(api=shared, actor=owner, shared_with=[group])
    assert who_sees(shared, people) == {"owner", "department", "group"}
    assert not is_shared_with(shared, Team.objects.get(slug="beside"))


def test_what_a_department_owns_is_closed_to_its_groups(make_api, admin, people, department):
    api = make_api(of=department, actor=admin, visibility="team")
    assert {name for name, person in people.items() if visible_apis(person).filter(pk=api.pk).exists()} == {
        "department"
    }


def test_what_a_group_owns_is_its_departments_to_see(make_api, admin, people, group):
    api = make_api(of=group, actor=admin, visibility="team")
    seen = {name for name, person in people.items() if visible_apis(person).filter(pk=api.pk).exists()}
    assert seen == {"department", "group"}


def test_a_group_that_leaves_sees_it_no_more_and_the_gateways_are_told(
    shared, people, admin, make_user, group, department, signals
):
    make_user("chief", group, "owner")
    signals.clear()
    move_team(team=group, parent=None, actor=admin)
    assert who_sees(shared, people) == {"owner", "department", "beside"}
    assert group.public_id not in route_of(shared)
    assert ("version_changed", shared.versions.get()) in signals
    signals.clear()
    move_team(team=group, parent=department, actor=admin)
    assert group.public_id in route_of(shared)
    assert ("version_changed", shared.versions.get()) in signals
