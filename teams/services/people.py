"""Teams, invitations, memberships, profiles."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import F

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from common.identifiers import propose_slug
from common.problems import from_validation_error
from common.sealed import hash_secret
from teams.models import Invitation, Membership, Role, Team, User
from teams.roles import has_permission, permissions_somewhere, require_permission
from teams.services.audit import record_audit
from teams.services.grants import keep_managers, lock_managers, require_within, role_called
from teams.services.tree import STRICTNESS, check_children, check_rules, lock_tree, place_below
from teams.signals import team_moved, team_renamed

INVITATION_DAYS = 7
TEAM_FIELDS = (
    "name", "description", "contact_email", "required_approvals", "minimum_notice_days", "reviewer_role",
    "review_checklist",
)  # fmt: skip
PROFILE_FIELDS = ("name", "zone", "theme", "density", "has_shortcuts", "wants_mail")


def create_team(*, name: str, actor: User, slug: str | None = None, parent: Team | None = None, **fields: Any) -> Team:
    """Create a team owned by its creator; only a platform admin or somebody who manages a team may.

    Below a `parent` it takes the parent's rules where none are given, and whoever manages that manages it.
    """
    if parent is not None:
        require_permission(actor=actor, team=parent, permission="team.manage", what="create teams below it")
        fields = {**{rule: getattr(parent, rule) for rule in STRICTNESS}, **fields}
    elif "team.manage" not in permissions_somewhere(actor):
        raise NotAllowed("Only a platform admin or an owner of a team may create teams.")
    team = Team(name=name.strip(), slug=slug or propose_slug(name, fallback="team"), **_known(fields))
    team.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            lock_tree()
            place_below(team, parent)
            team.save()
            if parent is None:
                Membership.objects.create(user=actor, team=team, role=Role.OWNER)
            record_audit(actor=actor, verb="team.create", target=team, team=team, after=team_values(team))
            team_moved.send(sender=Team, team=team, above=set(team.ancestor_ids))
    except IntegrityError as error:
        raise Conflict(f"There is a team called {team.slug} already.", code="name-taken") from error
    return team


def update_team(*, team: Team, actor: User, row_version: int | None = None, **changes: Any) -> Team:
    """Change a team's name, contact or rules; with `row_version` raise Stale when somebody was faster."""
    require_permission(actor=actor, team=team, permission="team.manage", what="change its settings")
    before = team_values(team)
    for name, value in _known(changes).items():
        setattr(team, name, value)
    team.full_clean()
    seen = team.row_version if row_version is None else row_version
    with transaction.atomic():
        lock_tree()
        above = Team.objects.filter(children=team).first()
        if above is not None:
            check_rules(team, above)
        check_children(team)
        moved = Team.objects.filter(pk=team.pk, row_version=seen).update(
            **{name: getattr(team, name) for name in TEAM_FIELDS}, row_version=F("row_version") + 1
        )
        if moved != 1:
            raise Stale(f"Somebody changed {before['name']} meanwhile. Read it again and repeat the change.")
        team.refresh_from_db()
        if team.name != before["name"]:
            team_renamed.send(sender=Team, team=team)
        record_audit(actor=actor, verb="team.update", target=team, team=team, before=before, after=team_values(team))
    return team


def team_values(team: Team) -> dict[str, Any]:
    """Return what the audit log keeps of a team."""
    return {name: getattr(team, name) for name in ("slug", *TEAM_FIELDS)}


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(fields) - set(TEAM_FIELDS):
        raise Invalid(f"A team has no {', '.join(sorted(unknown))}.")
    return fields


def invite_member(*, team: Team, email: str, role: str, actor: User) -> tuple[Invitation, str]:
    """Invite an address; return the invitation and its code, which is mailed, shown once and never stored."""
    require_permission(actor=actor, team=team, permission="members.manage", what="invite people")
    held = role_called(role, team)
    require_within(actor=actor, team=team, permissions=held.allowed, what=f"give the role {held.name}")
    email = email.strip().lower()
    if Membership.objects.filter(team=team, user__email__iexact=email).exists():
        raise Conflict(f"{email} is a member of {team.name} already.", code="member-already")
    code = secrets.token_urlsafe(24)
    invitation = Invitation(
        team=team,
        email=email,
        role=held.role,
        custom_role=held.custom_role,
        code_hash=hash_secret(code),
        invited_by=actor,
        expires_at=now() + timedelta(days=INVITATION_DAYS),
    )
    invitation.full_clean()
    with transaction.atomic():
        # A newer invitation replaces the open one: its link is the one that works.
        Invitation.objects.filter(team=team, email=email, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=now()
        )
        invitation.save()
        after = {"email": email, "role": held.slug}
        record_audit(actor=actor, verb="team.invite", target=invitation, team=team, after=after)
        transaction.on_commit(lambda: _mail_invitation(invitation, code), robust=True)
    return invitation, code


def invitation_url(code: str) -> str:
    """Return the link of an invitation."""
    return f"{settings.GATEHOUSE_CONSOLE_URL}/invitations/{code}"


def _mail_invitation(invitation: Invitation, code: str) -> None:
    send_mail(
        f"Join {invitation.team.name} on Gatehouse",
        f"{invitation.invited_by.name} invites you to {invitation.team.name} as "
        f"{invitation.role_name.lower()}.\n\n{invitation_url(code)}\n\n"
        f"The link works until {invitation.expires_at:%-d %B %Y}.",
        None,
        [invitation.email],
    )


def withdraw_invitation(*, invitation: Invitation, actor: User) -> None:
    """Make an open invitation's link useless."""
    require_permission(actor=actor, team=invitation.team, permission="members.manage", what="withdraw invitations")
    with transaction.atomic():
        if Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(withdrawn_at=now()):
            record_audit(
                actor=actor,
                verb="team.withdraw_invitation",
                target=invitation,
                team=invitation.team,
                before={"email": invitation.email, "role": invitation.role_slug},
            )


def accept_invitation(*, code: str, user: User | None = None, name: str = "", password: str = "") -> User:
    """Join the team: `user` is the known person with the invited address, else a new one is made."""
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update(of=("self",))
            .select_related("team", "custom_role")
            .filter(code_hash=hash_secret(code), accepted_at=None, withdrawn_at=None, expires_at__gt=now())
            .first()
        )
        if invitation is None:
            raise NotFound("This invitation was used, withdrawn or has expired. Ask for a new one.")
        if user is None:
            user = _new_user(invitation.email, name, password)
        elif user.email.lower() != invitation.email.lower():
            raise NotAllowed(f"This invitation is for {invitation.email}; you are signed in as {user.email}.")
        role = _join(user, invitation)
        Invitation.objects.filter(pk=invitation.pk).update(accepted_at=now())
        record_audit(
            actor=user,
            verb="team.join",
            target=invitation.team,
            team=invitation.team,
            after={"email": user.email, "role": role},
        )
    return user


def _join(user: User, invitation: Invitation) -> str:
    """Make the membership; an invitation never takes a role away from somebody who joined meanwhile."""
    membership, is_new = Membership.objects.select_for_update().get_or_create(
        user=user, team=invitation.team, defaults={"role": invitation.role, "custom_role": invitation.custom_role}
    )
    if not is_new and membership.allowed < invitation.allowed:
        membership.role, membership.custom_role = invitation.role, invitation.custom_role
        membership.save(update_fields=["role", "custom_role"])
    return membership.role_slug


def _new_user(email: str, name: str, password: str) -> User:
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict(f"{email} has an account already. Sign in first, then open the link again.")
    user = User(email=email, name=name.strip())
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            " ".join(error.messages), errors=[{"detail": text, "pointer": "/password"} for text in error.messages]
        ) from error
    user.set_password(password)
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        raise from_validation_error(error) from error
    user.save()
    return user


def change_role(*, membership: Membership, role: str, actor: User) -> Membership:
    """Give a member another role, built-in or custom, by its slug; somebody stays who manages the members."""
    team, before = membership.team, membership.role_slug
    require_permission(actor=actor, team=team, permission="members.manage", what="change roles")
    require_within(actor=actor, team=team, permissions=membership.allowed, what=f"take the role {membership.role_name}")
    held = role_called(role, team)
    require_within(actor=actor, team=team, permissions=held.allowed, what=f"give the role {held.name}")
    with transaction.atomic():
        managed = lock_managers([team])
        # By hand from now on: what a provider's groups say no longer changes it.
        # Filtered on the role that was seen: of two changes at once one is told to look again.
        seen = Membership.objects.filter(
            pk=membership.pk, role=membership.role, custom_role=membership.custom_role_id
        )  # fmt: skip
        if seen.update(role=held.role, custom_role=held.custom_role, provider=None) != 1:
            raise Stale(f"Somebody changed the role of {membership.user} meanwhile. Read it again.")
        keep_managers(managed)
        membership.role, membership.custom_role = held.role, held.custom_role
        record_audit(
            actor=actor,
            verb="team.change_role",
            target=membership.user,
            team=team,
            before={"role": before},
            after={"role": held.slug},
        )
    return membership


def remove_member(*, membership: Membership, actor: User) -> None:
    """Take a person out of a team; a person may leave by themselves. What they made stays the team's."""
    team = membership.team
    if membership.user != actor or not has_permission(actor, team, "team.view"):
        require_permission(actor=actor, team=team, permission="members.manage", what="remove members")
        what = f"remove somebody with the role {membership.role_name}"
        require_within(actor=actor, team=team, permissions=membership.allowed, what=what)
    with transaction.atomic():
        managed = lock_managers([team])
        record_audit(
            actor=actor,
            verb="team.remove_member",
            target=membership.user,
            team=team,
            before={"email": membership.user.email, "role": membership.role_slug},
        )
        # Not by the row itself: it would have lost its key when the change is refused.
        Membership.objects.filter(pk=membership.pk).delete()
        keep_managers(managed)


def update_profile(*, user: User, **changes: Any) -> User:
    """Change a person's own settings."""
    if user.is_service_account:
        raise NotAllowed("A service account is changed by an owner of its team.")
    if unknown := set(changes) - set(PROFILE_FIELDS):
        raise Invalid(f"A profile has no {', '.join(sorted(unknown))}.")
    before = {name: getattr(user, name) for name in changes}
    for name, value in changes.items():
        setattr(user, name, value)
    user.full_clean(exclude=["password"])
    with transaction.atomic():
        user.save(update_fields=list(changes))
        record_audit(actor=user, verb="user.update", target=user, team=None, before=before, after=dict(changes))
    return user
