"""Who may do what in a team: by the permissions of their role; a platform admin everything, an auditor see it all."""

from __future__ import annotations

from django.db.models import QuerySet

from common.errors import NotAllowed, NotFound
from common.permissions import TeamPermission
from teams.models import Membership, Role, Team, User
from teams.permissions import AUDITOR, BUILT_IN, EVERYTHING, roles_with

NOTHING: frozenset[str] = frozenset()


def permissions_in(user: User, team: Team) -> frozenset[str]:
    """Return what a person may do in a team; nothing for a stranger."""
    if not user.is_authenticated:
        return NOTHING
    if user.is_platform_admin:
        return EVERYTHING
    held = AUDITOR if user.is_auditor else NOTHING
    for role in Membership.objects.filter(user=user, team=team).values_list("role", flat=True):
        held |= BUILT_IN[role]
    return held


def has_permission(user: User, team: Team, permission: TeamPermission) -> bool:
    """Say whether a person may do something in a team."""
    return permission in permissions_in(user, team)


def require_permission(*, actor: User, team: Team, permission: TeamPermission, what: str = "do this") -> None:
    """Raise NotFound for a stranger to the team and NotAllowed for a member whose role lacks the permission."""
    held = permissions_in(actor, team)
    if not held:
        raise NotFound("There is nothing here, or it is not shared with you.")
    if permission not in held:
        membership = Membership.objects.filter(user=actor, team=team).first()
        mine = membership.get_role_display().lower() if membership else "an auditor"
        raise NotAllowed(
            f"Only {who_may(permission, team)} may {what}; you are {mine}.",
            role=roles_with(permission)[0], permission=permission,
        )  # fmt: skip


def who_may(permission: str, team: Team) -> str:
    """Name the least role that has a permission in a team, such as: a publisher of Payments."""
    label = Role(roles_with(permission)[0]).label.lower()
    return f"{'an' if label[0] in 'aeiou' else 'a'} {label} of {team.name}"


def teams_of(user: User) -> QuerySet[Team]:
    """Return the teams a person sees: those they are in, all for a platform admin and an auditor."""
    return teams_with(user, "team.view")


def teams_with(user: User, permission: TeamPermission) -> QuerySet[Team]:
    """Return the teams in which a person may do something."""
    if user.is_platform_admin or (user.is_auditor and permission in AUDITOR):
        return Team.objects.all()
    return Team.objects.filter(memberships__user=user, memberships__role__in=roles_with(permission))


def permissions_by_team(user: User) -> dict[Team, frozenset[str]]:
    """Return what a member may do in each of their teams."""
    return {row.team: BUILT_IN[row.role] for row in user.memberships.select_related("team")}


def permissions_somewhere(user: User) -> frozenset[str]:
    """Return what a person may do in any team; a platform admin may where there is none yet."""
    if user.is_platform_admin:
        return EVERYTHING
    held = AUDITOR if user.is_auditor else NOTHING
    return held.union(*(BUILT_IN[role] for role in user.memberships.values_list("role", flat=True)))


def people_with(team: Team, permission: TeamPermission) -> QuerySet[User]:
    """Return the active members of a team who may do something."""
    return User.objects.filter(
        memberships__team=team, memberships__role__in=roles_with(permission), is_active=True
    )  # fmt: skip
