"""The rules of giving and taking roles: nobody gives what they lack, and a team keeps somebody who manages it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from common.errors import Conflict, Invalid, NotAllowed
from teams.models import CustomRole, Membership, Role, Team, User
from teams.models.custom_roles import permissions_of
from teams.permissions import BUILT_IN, EVERYTHING, ROLES, in_order, labels_of
from teams.roles import allowing, permissions_in
from teams.selectors import usable_roles


class Held(NamedTuple):
    """A role as a membership holds it: a built-in one's name, or a custom one."""

    role: str
    custom_role: CustomRole | None

    @property
    def slug(self) -> str:
        """Return what names it."""
        return self.custom_role.slug if self.custom_role else self.role

    @property
    def name(self) -> str:
        """Return it in words."""
        return self.custom_role.name if self.custom_role else Role(self.role).label

    @property
    def allowed(self) -> frozenset[str]:
        """Return its permissions."""
        return permissions_of(self.role, self.custom_role.permissions if self.custom_role else None)


def role_called(slug: str, team: Team | None) -> Held:
    """Return the role of that name that is usable in a team, or for None in every team; raise Invalid."""
    if slug in Role.values:
        return Held(slug, None)
    usable = usable_roles(team)
    found = next((role for role in usable if role.slug == slug), None)
    if found is None:
        known = ", ".join([*Role.values, *(role.slug for role in usable)])
        detail = f"There is no role {slug!r}{f' in {team.name}' if team else ''}. Choose one of: {known}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/role"}])
    return Held("", found)


def roles_to_give(team: Team) -> list[Held]:
    """Return the roles that members of a team may have: the built-in ones, then the custom ones."""
    return [*(Held(role, None) for role in Role.values), *(Held("", role) for role in usable_roles(team))]


def explain(role: Held) -> str:
    """Say what a role may do; of a built-in one what it has beyond the one below it."""
    lower = next((known for known in reversed(ROLES) if BUILT_IN[known] < role.allowed), "") if role.role else ""
    if not lower:
        return labels_of(role.allowed)
    return f"{labels_of(role.allowed - BUILT_IN[lower])}, and what a {lower} may"


def require_within(*, actor: User, team: Team | None, permissions: Iterable[str], what: str) -> None:
    """Raise NotAllowed where somebody would give, take or change permissions they do not hold themselves."""
    missing = in_order(set(permissions) - permissions_for(actor, team))
    if missing:
        labels = labels_of(missing)
        where = team.name if team else "every team"
        raise NotAllowed(
            f"You may not {what}: it allows what you may not do in {where} yourself ({labels}). Ask an owner.",
            missing=missing,
        )


def permissions_for(user: User, team: Team | None) -> frozenset[str]:
    """Return what a person may give in a team, for None in every team: a platform admin all, others nothing."""
    if team is not None:
        return permissions_in(user, team)
    return EVERYTHING if user.is_platform_admin else frozenset()


def lock_managers(teams: Iterable[Team]) -> list[Team]:
    """Lock those who manage members of teams until the transaction's end, so that two can't both leave as the last.

    Return the teams that have somebody of their own who does.
    """
    rows = Membership.objects.filter(allowing("members.manage"), team__in=teams)
    managed = set(rows.select_for_update(of=("self",)).order_by("pk").values_list("team_id", flat=True))
    return [team for team in teams if team.pk in managed]


def keep_managers(teams: Iterable[Team]) -> None:
    """Raise Conflict where a change has left a team without anybody who manages its members.

    A team under another one may do without: whoever manages the one above manages it too.
    """
    asked = {team.pk: team for team in teams if team.parent_id is None}
    kept = Membership.objects.filter(allowing("members.manage"), team__in=asked).values_list("team_id", flat=True)
    for pk in asked.keys() - set(kept):
        raise Conflict(
            f"{asked[pk].name} needs an owner, or another role that manages members. Give somebody one first.",
            code="last-owner",
        )
