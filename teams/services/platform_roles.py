"""Who runs the whole installation, and who may read all of it."""

from __future__ import annotations

from django.db import transaction

from common.errors import Conflict, NotAllowed
from teams.models import PlatformRole, User
from teams.services.audit import record_audit


def keep_an_admin(*, without: User) -> None:
    """Lock the active platform admins until the transaction's end; raise Conflict when `without` is the only one.

    All of them are locked, so that two can't take the role from each other at once.
    """
    admins = User.objects.select_for_update().filter(is_platform_admin=True, is_active=True).order_by("pk")
    if list(admins) == [without]:
        raise Conflict("The installation needs a platform admin: make somebody else one first.", code="last-owner")


def change_platform_role(*, user: User, role: PlatformRole, actor: User) -> User:
    """Make a person platform admin, auditor or neither. Raise Conflict for the last platform admin."""
    if not actor.is_platform_admin:
        raise NotAllowed("Only a platform admin may do this.")
    with transaction.atomic():
        if role != PlatformRole.ADMIN:
            keep_an_admin(without=user)
        user.refresh_from_db()
        if user.is_service_account:
            raise Conflict(f"{user} is a service account: only people have such a role.", code="move-not-possible")
        if not user.is_active:
            raise Conflict(f"{user} is deactivated: let them back in first.", code="move-not-possible")
        before = user.platform_role
        if before == role:
            return user
        user.is_platform_admin = user.is_staff = user.is_superuser = role == PlatformRole.ADMIN
        user.is_auditor = role == PlatformRole.AUDITOR
        user.save(update_fields=["is_platform_admin", "is_staff", "is_superuser", "is_auditor"])
        record_audit(
            actor=actor, verb="user.change_role", target=user, team=None,
            before={"platform_role": before}, after={"platform_role": role.value},
        )  # fmt: skip
    return user
