"""Custom roles: made by platform admins for every team, or by those who manage members for their own team."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from common.errors import Conflict, Invalid, NotAllowed, Stale
from common.identifiers import propose_slug
from teams.models import CustomRole, Invitation, Membership, Role, Team, User
from teams.permissions import BY_NAME, in_order
from teams.roles import require_permission
from teams.selectors import role_use, usable_roles
from teams.services.audit import record_audit
from teams.services.events import write_events
from teams.services.grants import Held, keep_managers, lock_managers, require_within, role_called

FIELDS = ("name", "description", "permissions")


def create_role(
    *,
    name: str,
    permissions: Sequence[str],
    actor: User,
    team: Team | None = None,
    slug: str = "",
    description: str = "",
) -> CustomRole:
    """Create a role for a team, or without one for every team. Raise Conflict when its slug is taken there."""
    require_maker(actor=actor, team=team, what="make roles")
    role = CustomRole(
        team=team, name=name.strip(), description=description.strip(), slug=slug or propose_slug(name, fallback="role"),
        permissions=_checked(permissions),
    )  # fmt: skip
    role.full_clean(validate_unique=False, validate_constraints=False)
    require_within(actor=actor, team=team, permissions=role.permissions, what=f"make the role {role.name}")
    if role.slug in Role.values or any(known.slug == role.slug for known in usable_roles(team)):
        raise _taken(role.slug)
    try:
        with transaction.atomic():
            role.save()
            record_audit(actor=actor, verb="role.create", target=role, team=team, after=role_values(role))
    except IntegrityError as error:
        raise _taken(role.slug) from error
    return role


def update_role(*, role: CustomRole, actor: User, row_version: int | None = None, **changes: Any) -> CustomRole:
    """Change a role for all who hold it; the slug stays. Raise Conflict where a team would lose its last manager."""
    require_maker(actor=actor, team=role.team, what="change roles")
    if unknown := set(changes) - set(FIELDS):
        raise Invalid(f"A role has no {', '.join(sorted(unknown))} to change.")
    before = role_values(role)
    changes["permissions"] = _checked(changes.get("permissions", role.permissions))
    touched = {*before["permissions"], *changes["permissions"]}
    require_within(actor=actor, team=role.team, permissions=touched, what=f"change the role {role.name}")
    for name, value in changes.items():
        setattr(role, name, value)
    role.full_clean(validate_unique=False, validate_constraints=False)
    seen = role.row_version if row_version is None else row_version
    with transaction.atomic():
        teams = list(Team.objects.filter(memberships__custom_role=role).distinct())
        managed = lock_managers(teams)
        values = {name: getattr(role, name) for name in FIELDS}
        if not CustomRole.objects.filter(pk=role.pk, row_version=seen).update(
            **values, row_version=F("row_version") + 1
        ):
            raise Stale(f"Somebody changed the role {before['name']} meanwhile. Read it again and repeat the change.")
        keep_managers(managed)
        role.refresh_from_db()
        after = role_values(role)
        record_audit(actor=actor, verb="role.update", target=role, team=role.team, before=before, after=after)
        _tell_teams("role.updated", role, teams, actor, before, after)
    return role


def delete_role(*, role: CustomRole, actor: User, replacement: str = "") -> int:
    """Delete a role; those who hold it get the replacement in the same transaction. Return how many.

    Raise Conflict when it is in use and no replacement is named.
    """
    require_maker(actor=actor, team=role.team, what="delete roles")
    require_within(actor=actor, team=role.team, permissions=role.permissions, what=f"delete the role {role.name}")
    with transaction.atomic():
        # No membership can take the role any more: a new one waits for this row and then finds it gone.
        CustomRole.objects.select_for_update().get(pk=role.pk)
        use = role_use(role)
        if use.is_used and not replacement:
            raise Conflict(
                f"{use.sentence} Name the role they get instead.", code="role-in-use", teams=list(use.team_names)
            )
        teams = list(Team.objects.filter(memberships__custom_role=role).distinct())
        managed = lock_managers(teams)
        if use.is_used:
            _replace(role, _replacement(role, replacement, actor), use.members, actor)
        Invitation.objects.filter(custom_role=role).delete()
        keep_managers(managed)
        before = role_values(role)
        record_audit(
            actor=actor, verb="role.delete", target=role, team=role.team, before=before,
            after={"replacement": replacement} if use.is_used else {},
        )  # fmt: skip
        _tell_teams("role.deleted", role, teams, actor, before, {"replacement": replacement})
        role.delete()
    return len(use.members)


def role_values(role: CustomRole) -> dict[str, Any]:
    """Return what the audit log keeps of a role."""
    return {"slug": role.slug, "name": role.name, "description": role.description, "permissions": role.permissions}


def require_maker(*, actor: User, team: Team | None, what: str) -> None:
    """Raise NotAllowed for somebody who may not change the roles of a team, or for None those of every team."""
    if team is not None:
        require_permission(actor=actor, team=team, permission="members.manage", what=what)
    elif not actor.is_platform_admin:
        raise NotAllowed(f"Only a platform admin may {what} that every team uses.")


def _checked(permissions: Iterable[str]) -> list[str]:
    """Return known permissions in the catalogue's order; every role sees its team."""
    given = set(permissions)
    if unknown := sorted(given - set(BY_NAME)):
        detail = f"There is no permission {', '.join(unknown)}. Choose from: {', '.join(BY_NAME)}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/permissions"}])
    return in_order({"team.view", *given})


def _replacement(role: CustomRole, slug: str, actor: User) -> Held:
    held = role_called(slug, role.team)
    if held.custom_role == role:
        detail = f"{role.name} is the role that goes: choose another."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/replacement"}])
    require_within(actor=actor, team=role.team, permissions=held.allowed, what=f"give the role {held.name}")
    return held


def _replace(role: CustomRole, held: Held, members: Iterable[Membership], actor: User) -> None:
    """Move members and open invitations of a role to another one; each member's team reads it in its audit log."""
    values = {"role": held.role, "custom_role": held.custom_role}
    Membership.objects.filter(custom_role=role).update(**values)
    Invitation.objects.filter(custom_role=role, accepted_at=None, withdrawn_at=None).update(**values)
    for row in members:
        record_audit(
            actor=actor, verb="team.change_role", target=row.user, team=row.team, before={"role": role.slug},
            after={"role": held.slug}, reason=f"The role {role.name} was deleted.",
        )  # fmt: skip


def _tell_teams(
    type: str, role: CustomRole, teams: Iterable[Team], actor: User, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Tell the teams that use a role; its own one has it from the audit log."""
    others = [team for team in teams if team.pk != role.team_id]
    write_events(type=type, target=role, teams=others, actor=actor, data={"before": before, "after": after})


def _taken(slug: str) -> Conflict:
    return Conflict(f"There is a role called {slug} already. Choose another name.", code="name-taken")
