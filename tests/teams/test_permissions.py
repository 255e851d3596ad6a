"""The catalogue of permissions and the built-in roles, as pure rules."""

import pytest

from common.permission_names import TEAM_PERMISSIONS
from teams.models import Role
from teams.permissions import AUDITOR, BUILT_IN, CATALOGUE, EVERYTHING, ROLES, by_rule, in_order, roles_with


def test_the_catalogue_describes_each_permission_once():
    assert tuple(permission.name for permission in CATALOGUE) == TEAM_PERMISSIONS
    assert all(permission.label and permission.text.endswith(".") for permission in CATALOGUE)


def test_each_built_in_role_has_what_the_ones_below_it_have():
    assert set(ROLES) == set(Role.values)
    for less, more in zip(ROLES, ROLES[1:], strict=False):
        assert BUILT_IN[less] < BUILT_IN[more]
    assert BUILT_IN["owner"] == EVERYTHING


def test_every_role_sees_its_team():
    assert all("team.view" in allowed for allowed in BUILT_IN.values())


def test_an_auditor_sees_and_changes_nothing():
    assert {"team.view", "costs.view", "costs.callers", "audit.view"} == AUDITOR


@pytest.mark.parametrize(
    ("permission", "roles"),
    [("team.view", list(ROLES)), ("apis.publish", ["publisher", "owner"]), ("team.manage", ["owner"])],
)
def test_the_least_role_is_named_first(permission, roles):
    assert roles_with(permission) == roles


def test_a_rule_for_owners_asks_for_who_manages_the_team():
    assert by_rule("publisher", "apis.review") == "apis.review"
    assert by_rule("owner", "apis.review") == "team.manage"


def test_permissions_are_told_in_the_order_of_the_catalogue():
    assert in_order({"team.manage", "apis.design", "team.view"}) == ["team.view", "apis.design", "team.manage"]
