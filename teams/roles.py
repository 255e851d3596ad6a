"""Who may do what: each role includes those below it; a platform admin may do everything, an auditor read it."""

from __future__ import annotations

from django.db.models import QuerySet

from common.errors import NotAllowed, NotFound
from teams.models import Membership, Role, Team, User

RANK = {Role.VIEWER: 1, Role.DEVELOPER: 2, Role.PUBLISHER: 3, Role.OWNER: 4}
# What the permission names of routes ask for (common.permissions).
NEEDED = {
    "team.view": Role.VIEWER,
    "team.develop": Role.DEVELOPER,
    "team.publish": Role.PUBLISHER,
    "team.own": Role.OWNER,
}


def role_in(user: User, team: Team) -> Role | None:
    """Return the role a person has in a team, or None; a platform admin is owner everywhere, an auditor viewer."""
    if not user.is_authenticated:
        return None
    if user.is_platform_admin:
        return Role.OWNER
    membership = Membership.objects.filter(user=user, team=team).first()
    if membership is None:
        return Role.VIEWER if user.is_auditor else None
    return Role(membership.role)


def has_role(user: User, team: Team, role: Role) -> bool:
    """Say whether a person reaches a role in a team."""
    held = role_in(user, team)
    return held is not None and RANK[held] >= RANK[role]


def require_role(*, actor: User, team: Team, role: Role, what: str = "do this") -> None:
    """Raise NotFound for a stranger to the team and NotAllowed for a member whose role does not reach."""
    held = role_in(actor, team)
    if held is None:
        raise NotFound("There is nothing here, or it is not shared with you.")
    if RANK[held] < RANK[role]:
        raise NotAllowed(
            f"Only {'an' if role == Role.OWNER else 'a'} {role.label.lower()} of {team.name} may {what}; "
            f"you are {held.label.lower()}.",
            role=role.value,
        )


def teams_of(user: User, role: Role = Role.VIEWER) -> QuerySet[Team]:
    """Return the teams in which a person reaches a role; all for a platform admin, to view all for an auditor."""
    if user.is_platform_admin or (user.is_auditor and role == Role.VIEWER):
        return Team.objects.all()
    enough = [name for name, rank in RANK.items() if rank >= RANK[role]]
    return Team.objects.filter(memberships__user=user, memberships__role__in=enough)
