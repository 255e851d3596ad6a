"""Who may do what in a team: by the permissions of their role; a platform admin everything, an auditor see it all."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet

from common.errors import NotAllowed, NotFound
from common.permission_names import TeamPermission
from teams.models import Membership, Role, Team, User
from teams.models.custom_roles import permissions_of
from teams.permissions import AUDITOR, EVERYTHING, roles_with

NOTHING: frozenset[str] = frozenset()


def permissions_in(user: User, team: Team) -> frozenset[str]:
    """Return what a person may do in a team; nothing for a stranger."""
    if not user.is_authenticated:
        return NOTHING
    if user.is_platform_admin:
        return EVERYTHING
    held = AUDITOR if user.is_auditor else NOTHING
    rows = Membership.objects.filter(user=user, team__in=team.lineage)
    return held.union(*(permissions_of(*row) for row in rows.values_list("role", "custom_role__permissions")))


def has_permission(user: User, team: Team, permission: TeamPermission) -> bool:
    """Say whether a person may do something in a team."""
    return permission in permissions_in(user, team)


def require_permission(*, actor: User, team: Team, permission: TeamPermission, what: str = "do this") -> None:
    """Raise NotFound for a stranger to the team and NotAllowed for a member whose role lacks the permission."""
    held = permissions_in(actor, team)
    if not held:
        raise NotFound("There is nothing here, or it is not shared with you.")
    if permission not in held:
        rows = Membership.objects.filter(user=actor, team__in=team.lineage).select_related("custom_role")
        mine = " and ".join(sorted({row.role_name.lower() for row in rows})) or "an auditor"
        raise NotAllowed(
            f"Only {who_may(permission, team)} may {what}; you are {mine}.",
            role=roles_with(permission)[0], permission=permission,
        )  # fmt: skip


def who_may(permission: str, team: Team) -> str:
    """Name the least built-in role that has a permission, such as: a publisher of Payments."""
    label = Role(roles_with(permission)[0]).label.lower()
    return f"{'an' if label[0] in 'aeiou' else 'a'} {label} of {team.name}"


def allowing(permission: TeamPermission) -> Q:
    """Return the filter of the memberships whose role has a permission."""
    return Q(role__in=roles_with(permission)) | Q(custom_role__permissions__contains=[permission])


def teams_of(user: User) -> QuerySet[Team]:
    """Return the teams a person sees: those they are in, all for a platform admin and an auditor."""
    return teams_with(user, "team.view")


def teams_with(user: User, permission: TeamPermission) -> QuerySet[Team]:
    """Return the teams in which a person may do something."""
    if user.is_platform_admin or (user.is_auditor and permission in AUDITOR):
        return Team.objects.all()
    mine = Membership.objects.filter(allowing(permission), user=user)
    return Team.objects.filter(within(mine.values("team")))


def within(teams: QuerySet[Any, Any]) -> Q:
    """Return the filter of teams given by their keys, and of all that lie below them."""
    return Q(pk__in=teams) | Q(ancestor_ids__overlap=ArraySubquery(teams))


def permissions_by_team(user: User) -> dict[Team, frozenset[str]]:
    """Return what a member may do in each of their teams, those below included."""
    own = {row.team_id: row.allowed for row in user.memberships.select_related("custom_role")}
    return {team: NOTHING.union(*(own.get(pk, NOTHING) for pk in team.lineage)) for team in teams_of(user)}


def permissions_somewhere(user: User) -> frozenset[str]:
    """Return what a person may do in any team; a platform admin may where there is none yet."""
    if user.is_platform_admin:
        return EVERYTHING
    held = AUDITOR if user.is_auditor else NOTHING
    return held.union(
        *(permissions_of(*row) for row in user.memberships.values_list("role", "custom_role__permissions"))
    )


def people_with(team: Team, permission: TeamPermission) -> QuerySet[User]:
    """Return the active people who may do something: the team's own, where it has none those of the next above."""
    members = Membership.objects.filter(allowing(permission), user__is_active=True, user__service_team=None)
    nearest = team.pk
    if team.ancestor_ids:
        able = set(members.filter(team__in=team.lineage).values_list("team_id", flat=True))
        nearest = next((pk for pk in team.lineage if pk in able), team.pk)
    return User.objects.filter(pk__in=members.filter(team=nearest).values("user"))
