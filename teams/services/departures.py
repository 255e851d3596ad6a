"""When a person leaves: nothing of theirs is orphaned, and what is known of them can be given out or erased."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed
from teams.models import AccessToken, AuditEvent, FormToken, Invitation, Membership, Notice, Role, User
from teams.roles import allowing
from teams.services.audit import record_audit
from teams.services.audit_chain import erase_entries
from teams.services.grants import lock_managers
from teams.services.platform_roles import keep_an_admin
from teams.signals import person_left

LOCKED = "!"
AUDIT_FIELDS = ("at", "verb", "object_type", "object_id", "object_name", "before", "after", "reason")


def deactivate_person(*, user: User, successor: User, actor: User) -> User:
    """Let a person sign in no more: sessions and tokens end, memberships go, others answer for their APIs.

    Where they are a team's only owner the successor becomes owner. Raise Conflict for the last platform admin.
    """
    _require_admin(actor)
    if user.is_service_account:
        raise Conflict(f"{user} is a service account: an owner of its team disables it.", code="move-not-possible")
    if successor.pk == user.pk or not successor.is_active or successor.is_service_account:
        raise Invalid("Name somebody else who is active as the successor.", errors=[
            {"detail": "Somebody else who is active.", "pointer": "/successor"}
        ])  # fmt: skip
    if not user.is_active:
        raise Conflict(f"{user} is deactivated already.", code="move-not-possible")
    with transaction.atomic():
        keep_an_admin(without=user)
        teams = _hand_over_teams(user, successor)
        person_left.send(sender=User, user=user, successor=successor)
        ended = AccessToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now())
        User.objects.filter(pk=user.pk).update(
            is_active=False, is_platform_admin=False, is_auditor=False, is_staff=False, is_superuser=False
        )  # fmt: skip
        _end_sessions(user)
        user.refresh_from_db()
        record_audit(
            actor=actor, verb="user.deactivate", target=user, team=None,
            after={"successor": successor.public_id, "teams": teams, "tokens_revoked": ended},
        )  # fmt: skip
    return user


def _hand_over_teams(user: User, successor: User) -> list[str]:
    rows = list(Membership.objects.filter(user=user).select_related("team", "custom_role"))
    lock_managers([row.team for row in rows])
    for row in rows:
        row.delete()
        if not _others_manage(row):
            owner = {"role": Role.OWNER, "custom_role": None}
            Membership.objects.update_or_create(user=successor, team=row.team, defaults=owner)
    return sorted(row.team.slug for row in rows)


def _others_manage(membership: Membership) -> bool:
    """Say whether a team keeps somebody who manages its members when a person is gone; below another one it does."""
    if membership.team.parent_id is not None:
        return True
    others = Membership.objects.filter(allowing("members.manage"), team=membership.team, user__is_active=True)
    return "members.manage" not in membership.allowed or others.exclude(user=membership.user_id).exists()


def _end_sessions(user: User) -> None:
    """End a person's sessions by a password that nobody has; those that still lie in the table are taken out."""
    user.set_unusable_password()
    User.objects.filter(pk=user.pk).update(password=user.password)
    for session in Session.objects.filter(expire_date__gt=now()).iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def reactivate_person(*, user: User, actor: User) -> User:
    """Let a person back in: they need a new password, by an invitation, and their roles anew."""
    _require_admin(actor)
    with transaction.atomic():
        if (
            not User.objects.filter(pk=user.pk, is_active=False)
            .exclude(email__endswith="@erased.invalid")
            .update(is_active=True)
        ):
            raise Conflict("This person is active, or was erased.", code="move-not-possible")
        user.refresh_from_db()
        record_audit(actor=actor, verb="user.reactivate", target=user, team=None)
    return user


def export_person(*, user: User, actor: User) -> dict[str, Any]:
    """Return all that is known of a person, for themselves or a platform admin."""
    if actor.pk != user.pk:
        _require_admin(actor)
    invited = Invitation.objects.filter(email__iexact=user.email)
    done = AuditEvent.objects.filter(actor=user).order_by("id")
    return {
        "person": {
            "id": user.public_id, "email": user.email, "name": user.name, "zone": user.zone, "theme": user.theme,
            "created_at": user.created_at, "last_login": user.last_login, "is_active": user.is_active,
        },
        "teams": list(user.memberships.values("team__slug", "role", "custom_role__name", "created_at")),
        "tokens": list(user.access_tokens.values("name", "hint", "created_at", "expires_at", "revoked_at")),
        "identities": list(user.identities.values("provider__name", "subject", "email", "created_at", "last_used_at")),
        "second_factors": list(Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")),
        "invitations": list(invited.values("team__slug", "role", "custom_role__name", "created_at")),
        "notices": list(user.notices.order_by("id").values("title", "text", "created_at", "read_at")),
        "audit": list(done.values(*AUDIT_FIELDS)),
    }  # fmt: skip


def erase_person(*, user: User, actor: User) -> None:
    """Erase what is personal of a deactivated person; what they did stays, without their name."""
    _require_admin(actor)
    if user.is_active:
        detail = f"{user} is active: deactivate them first, which hands over what they own."
        raise Conflict(detail, code="move-not-possible")
    with transaction.atomic():
        about = AuditEvent.objects.filter(Q(actor=user) | Q(object_type="user", object_id=user.public_id))
        erase_entries(about)
        # Entries of others that name them, such as an invitation, hold their address among their values.
        named = Q(after__email__iexact=user.email) | Q(before__email__iexact=user.email)
        erase_entries(AuditEvent.objects.filter(named))
        Invitation.objects.filter(email__iexact=user.email).delete()
        Notice.objects.filter(user=user).delete()
        FormToken.objects.filter(user=user).delete()
        AccessToken.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        user.identities.all().delete()
        User.objects.filter(pk=user.pk).update(
            name="Erased person", email=f"{user.public_id}@erased.invalid", password=LOCKED, last_login=None
        )
        user.refresh_from_db()
        record_audit(actor=actor, verb="user.erase", target=user, team=None)


def owned_by(user: User) -> dict[str, list[str]]:
    """Return what a person's leaving touches: teams they alone own, teams they are in."""
    memberships = Membership.objects.filter(user=user).select_related("team", "custom_role")
    alone = [row.team.name for row in memberships if not _others_manage(row)]
    return {"alone": sorted(alone), "teams": sorted(row.team.name for row in memberships)}


def _require_admin(actor: User) -> None:
    if not actor.is_platform_admin:
        raise NotAllowed("Only a platform admin may do this.")
