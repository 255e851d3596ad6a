"""Service accounts: a team's actors that are no people, for CI and GitOps. Owners make them; only tokens act as them.

Such an account is a row of User with `service_team`, so that everything it does has an author and an actor. It never
owns a team, approves a review, answers for an API, signs in, or gets notices.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from teams.models import AccessToken, Membership, Role, Team, User
from teams.models.people import new_user_id
from teams.permissions import BUILT_IN
from teams.roles import require_permission
from teams.services.audit import record_audit
from teams.services.grants import require_within
from teams.services.tokens import issue_token, revoke_token

# Nothing is ever mailed to this domain, and no provider can verify an address of it (RFC 2606).
DOMAIN = "service.invalid"
ROLES = (Role.VIEWER, Role.DEVELOPER, Role.PUBLISHER)
MOST_ACCOUNTS = 50
MOST_TOKENS = 10
MOST_DAYS = 366
OVERLAP_HOURS = 24


def service_accounts_of(team: Team) -> QuerySet[Membership]:
    """Return the memberships of a team's service accounts."""
    rows = Membership.objects.filter(team=team, user__service_team=team).select_related("user", "team")
    return rows.order_by("user__name", "id")


def service_account_for(actor: User, team: Team, public_id: str) -> Membership:
    """Return one service account with its role for an owner of its team; raise NotFound."""
    _require_manager(actor, team)
    found = service_accounts_of(team).filter(user__public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such service account of this team.")
    return found


def create_service_account(*, team: Team, name: str, role: str, actor: User) -> Membership:
    """Create one with a role in its team, which is never that of an owner."""
    _require_manager(actor, team)
    public_id = new_user_id()
    account = User(
        public_id=public_id, email=f"{public_id}@{DOMAIN}", name=name.strip(), service_team=team, wants_mail=False
    )
    account.set_unusable_password()
    with transaction.atomic():
        _check(team, account, role, actor)
        account.full_clean(exclude=["password"])
        account.save()
        row = Membership.objects.create(user=account, team=team, role=role)
        _record(actor, "create", row, after=_values(row))
    return row


def update_service_account(*, account: Membership, actor: User, name: str, role: str) -> Membership:
    """Give an account another name or role."""
    _require_manager(actor, account.team)
    before, user = _values(account), account.user
    user.name, account.role = name.strip(), role
    with transaction.atomic():
        _check(account.team, user, role, actor)
        user.full_clean(exclude=["password"])
        user.save(update_fields=["name"])
        account.save(update_fields=["role"])
        _record(actor, "update", account, before=before, after=_values(account))
    return account


def switch_service_account(*, account: Membership, actor: User, is_active: bool) -> Membership:
    """Disable an account, so that all its tokens get 401, or enable it again."""
    _require_manager(actor, account.team)
    with transaction.atomic():
        if User.objects.filter(pk=account.user_id, is_active=not is_active).update(is_active=is_active):
            _record(actor, "enable" if is_active else "disable", account)
    account.user.is_active = is_active
    return account


def delete_service_account(*, account: Membership, actor: User) -> None:
    """End an account for good: its tokens are revoked, and what it made stays the team's, in its name."""
    _require_manager(actor, account.team)
    with transaction.atomic():
        ended = AccessToken.objects.filter(user=account.user, revoked_at=None).update(revoked_at=now())
        User.objects.filter(pk=account.user_id).update(is_active=False)
        _record(actor, "delete", account, before=_values(account), after={"tokens_revoked": ended})
        account.delete()


def create_service_token(
    *, account: Membership, name: str, expires_at: datetime | None, actor: User
) -> tuple[AccessToken, str]:
    """Make a token that acts as the account; the second value is seen only now. It always expires, within a year."""
    _require_manager(actor, account.team)
    # A token acts as the account: nobody makes one that may do more than themselves.
    what = f"make a token of {account.user}"
    require_within(actor=actor, team=account.team, permissions=account.allowed, what=what)
    latest = now() + timedelta(days=MOST_DAYS)
    if expires_at is None or expires_at > latest:
        detail = f"A service account's token expires within a year: by {latest:%-d %B %Y} at the latest."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/expires_at"}])
    with transaction.atomic():
        User.objects.select_for_update().get(pk=account.user_id)
        if _open_tokens(account).count() >= MOST_TOKENS:
            raise Conflict(f"{account.user} has {MOST_TOKENS} tokens: revoke one first.", code="move-not-possible")
        return issue_token(user=account.user, name=name, expires_at=expires_at, actor=actor, team=account.team)


def rotate_service_token(*, account: Membership, token_id: str, actor: User) -> tuple[AccessToken, str]:
    """Make a token like this one and as long-lived; the old one is good for another day at most."""
    _require_manager(actor, account.team)
    old = _open_tokens(account).filter(public_id=token_id).first()
    if old is None:
        raise NotFound("There is no such token, or it is expired or revoked.")
    with transaction.atomic():
        life = (old.expires_at - old.created_at) if old.expires_at else timedelta(days=MOST_DAYS)
        new = create_service_token(account=account, name=old.name, expires_at=now() + life, actor=actor)
        soon = now() + timedelta(hours=OVERLAP_HOURS)
        AccessToken.objects.filter(pk=old.pk).update(expires_at=min(old.expires_at or soon, soon))
    return new


def revoke_service_token(*, account: Membership, token_id: str, actor: User) -> AccessToken:
    """Revoke one of the account's tokens."""
    _require_manager(actor, account.team)
    token = AccessToken.objects.filter(public_id=token_id, user=account.user).first()
    if token is None:
        raise NotFound("There is no such token of this account.")
    return revoke_token(token=token, actor=actor, team=account.team)


def _open_tokens(account: Membership) -> QuerySet[AccessToken]:
    return AccessToken.objects.filter(user=account.user, revoked_at=None, expires_at__gt=now())


def _check(team: Team, account: User, role: str, actor: User) -> None:
    if role not in ROLES:
        detail = "A service account is a viewer, developer or publisher: only people own a team."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/role"}])
    require_within(actor=actor, team=team, permissions=BUILT_IN[role], what=f"give the role {Role(role).label}")
    # The lock makes two of one name at once wait for each other.
    Team.objects.select_for_update().get(pk=team.pk)
    others = service_accounts_of(team).exclude(user_id=account.pk)
    if others.filter(user__name__iexact=account.name).exists():
        raise Conflict(f"{team.name} has a service account called {account.name} already.", code="name-taken")
    if account.pk is None and others.count() >= MOST_ACCOUNTS:
        raise Conflict(f"A team has {MOST_ACCOUNTS} service accounts at most.", code="move-not-possible")


def _values(account: Membership) -> dict[str, Any]:
    return {"name": account.user.name, "role": str(account.role)}


def _record(actor: User, verb: str, account: Membership, **values: Any) -> None:
    record_audit(actor=actor, verb=f"service_account.{verb}", target=account.user, team=account.team, **values)


def _require_manager(actor: User, team: Team) -> None:
    require_permission(actor=actor, team=team, permission="team.manage", what="manage its service accounts")
