"""Whom a provider's claims stand for: somebody known, somebody linked by a verified address, or somebody new."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from common.clock import now
from common.errors import Conflict, NotAllowed, NotFound
from teams.models import GroupRole, Identity, Membership, Role, SignInProvider, User
from teams.permissions import ROLES
from teams.roles import allowing
from teams.services.audit import record_audit
from teams.services.grants import lock_managers
from teams.services.notices import notify

REFUSED = "sign-in-refused"


def may_use_password(user: User) -> bool:
    """Say whether a person may sign in by password: platform admins always, or a lost provider would lock all out."""
    return user.has_usable_password() and (user.is_platform_admin or not settings.PASSWORDS_ARE_FOR_ADMINS)


def person_of(*, provider: SignInProvider, claims: dict[str, Any]) -> User:
    """Return the person that claims stand for, made or linked where that is allowed, with the roles of their groups."""
    with transaction.atomic():
        # One at a time for each provider: two first sign-ins at once make one person.
        SignInProvider.objects.select_for_update().get(pk=provider.pk)
        identity = Identity.objects.filter(provider=provider, subject=claims["sub"]).select_related("user").first()
        if identity is None:
            identity = _link_or_make(provider, claims)
        _require_active(identity.user)
        identity.email, identity.last_used_at = _address(claims), now()
        identity.save(update_fields=["email", "last_used_at"])
        sync_groups(provider=provider, user=identity.user, claims=claims)
    return identity.user


def link_identity(*, provider: SignInProvider, claims: dict[str, Any], user: User) -> Identity:
    """Link a provider's person to somebody who is signed in and proved it."""
    with transaction.atomic():
        SignInProvider.objects.select_for_update().get(pk=provider.pk)
        known = Identity.objects.filter(provider=provider, subject=claims["sub"]).first()
        if known is not None and known.user_id != user.pk:
            raise Conflict(f"This person of {provider.name} is linked to somebody else here.", code=REFUSED)
        return known or _link(provider, claims, user, actor=user)


def unlink_identity(*, identity_id: int, user: User) -> None:
    """Remove one of the person's own identities, unless nothing else signs in."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        found = Identity.objects.filter(pk=identity_id, user=user).select_related("provider").first()
        if found is None:
            raise NotFound("You have no such linked account.")
        if not may_use_password(user) and user.identities.count() == 1:
            detail = f"{found} is your only way to sign in: link another account first."
            raise Conflict(detail, code="move-not-possible")
        _record(user, user, "user.unlink_identity", before=_values(found))
        found.delete()
        _tell(user, f"{found.provider.name} no longer signs in as you", "You unlinked it.")


def _link_or_make(provider: SignInProvider, claims: dict[str, Any]) -> Identity:
    """Trust an address only when the provider has verified it and its domain is one of those allowed."""
    email = _address(claims)
    if not email:
        raise NotAllowed(f"{provider.name} did not tell your e-mail address.", code=REFUSED)
    if claims.get("email_verified") is not True:
        raise NotAllowed(f"{provider.name} has not verified {email}. Ask its admin to do so.", code=REFUSED)
    if email.rpartition("@")[2] not in provider.allowed_domains:
        detail = f"{email} may not sign in here by {provider.name}: its domain is not one of those allowed."
        raise NotAllowed(detail, code=REFUSED)
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_user(email, None, name=_name(claims, email))
        _record(user, None, "user.provision", after={"provider": provider.name, "email": email})
    _require_active(user)
    return _link(provider, claims, user, actor=None)


def _link(provider: SignInProvider, claims: dict[str, Any], user: User, actor: User | None) -> Identity:
    found = Identity.objects.create(provider=provider, user=user, subject=claims["sub"], email=_address(claims))
    _record(user, actor, "user.link_identity", after=_values(found))
    if user.last_login is not None:
        _tell(user, f"{provider.name} signs in as you from now on", f"It knows you as {found.email or 'somebody'}.")
    return found


def _require_active(user: User) -> None:
    if user.is_service_account or not user.is_active:
        raise NotAllowed("This account is deactivated. A platform admin can let you back in.", code=REFUSED)


def sync_groups(*, provider: SignInProvider, user: User, claims: dict[str, Any]) -> None:
    """Give and take the memberships that come from the provider; those made by hand stay as they are.

    A team's last owner stays owner. Groups told by reference only (too many for a token) change nothing.
    """
    told = claims.get(provider.groups_claim, [])
    if provider.groups_claim in (claims.get("_claim_names") or {}):
        return
    groups = {told} if isinstance(told, str) else {item for item in told if isinstance(item, str)}
    wanted: dict[int, Role] = {}
    for row in GroupRole.objects.filter(provider=provider, group__in=groups):
        role = Role(row.role)
        if row.team_id not in wanted or ROLES.index(role) > ROLES.index(wanted[row.team_id]):
            wanted[row.team_id] = role
    rows = list(Membership.objects.filter(user=user).select_related("team", "user"))
    lock_managers([row.team for row in rows if row.provider_id == provider.pk])
    held = {row.team_id: row for row in rows}
    for team_id, role in wanted.items():
        if team_id not in held:
            _join(provider, user, team_id, role)
    for team_id, own in held.items():
        if own.provider_id == provider.pk and wanted.get(team_id) != own.role and not _is_last_owner(own):
            _change(provider, own, wanted.get(team_id))


def _join(provider: SignInProvider, user: User, team_id: int, role: Role) -> None:
    row = Membership.objects.create(user=user, team_id=team_id, role=role, provider=provider)
    after = {"email": user.email, "role": role.value}
    record_audit(
        actor=None, verb="team.join", target=row.team, team=row.team, after=after, reason=f"By groups of {provider}."
    )


def _change(provider: SignInProvider, row: Membership, role: Role | None) -> None:
    before, reason = {"email": row.user.email, "role": row.role}, f"By groups of {provider}."
    if role is None:
        record_audit(
            actor=None, verb="team.remove_member", target=row.user, team=row.team, before=before, reason=reason
        )
        row.delete()
        return
    Membership.objects.filter(pk=row.pk).update(role=role)
    record_audit(
        actor=None, verb="team.change_role", target=row.user, team=row.team, before=before,
        after={"role": role.value}, reason=reason,
    )  # fmt: skip


def _is_last_owner(row: Membership) -> bool:
    """Say whether nobody else manages the team's members; below another team somebody does."""
    if row.role != Role.OWNER or row.team.parent_id is not None:
        return False
    others = Membership.objects.filter(allowing("members.manage"), team=row.team, user__is_active=True)
    return not others.exclude(pk=row.pk).exists()


def _address(claims: dict[str, Any]) -> str:
    email = str(claims.get("email") or "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _name(claims: dict[str, Any], email: str) -> str:
    return str(claims.get("name") or "").strip()[:120] or email.partition("@")[0]


def _values(identity: Identity) -> dict[str, str]:
    return {"provider": identity.provider.name, "email": identity.email}


def _record(user: User, actor: User | None, verb: str, **values: Any) -> None:
    record_audit(actor=actor, verb=verb, target=user, team=None, **values)


def _tell(user: User, title: str, text: str) -> None:
    notify(
        people=[user], title=title, text=f"{text} If this was not you, tell a platform admin.",
        url="/account/security", icon="shield-check", is_urgent=True,
    )  # fmt: skip
