"""Access tokens: personal ones, and what those of service accounts share with them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from common.clock import now
from common.errors import Invalid, NotAllowed, NotFound
from common.sealed import hash_secret
from gateway.dataplane.keys import TOKEN_PREFIX, hint, mint_key
from teams.models import AccessToken, Team, User
from teams.second_factor import require_factor
from teams.services.audit import record_audit


def create_access_token(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[AccessToken, str]:
    """Create a token that acts as the user on the REST API; the second value is seen only now."""
    if user.is_service_account:
        raise NotAllowed("A service account makes no tokens: an owner of its team does.")
    require_factor(user)
    return issue_token(user=user, name=name, expires_at=expires_at, actor=user, team=None)


def issue_token(
    *, user: User, name: str, expires_at: datetime | None, actor: User, team: Team | None
) -> tuple[AccessToken, str]:
    """Write a token of somebody, by somebody who may; the second value is seen only now."""
    if expires_at is not None and expires_at <= now():
        raise Invalid(
            "The expiry lies in the past.", errors=[{"detail": "Choose a later moment.", "pointer": "/expires_at"}]
        )
    secret = mint_key(TOKEN_PREFIX)
    token = AccessToken(
        user=user, name=name.strip(), token_hash=hash_secret(secret), hint=hint(secret), expires_at=expires_at
    )
    token.full_clean()
    with transaction.atomic():
        token.save()
        after = {"name": token.name, "hint": token.hint}
        if team is not None:
            after["service_account"] = user.name
        record_audit(actor=actor, verb="token.create", target=token, team=team, after=after)
    return token, secret


def revoke_access_token(*, token_id: str, user: User) -> AccessToken:
    """Revoke one of the user's own tokens."""
    token = AccessToken.objects.filter(public_id=token_id, user=user).first()
    if token is None:
        raise NotFound("There is no such token of yours.")
    return revoke_token(token=token, actor=user, team=user.service_team)


def revoke_token(*, token: AccessToken, actor: User, team: Team | None) -> AccessToken:
    """Revoke a token, by somebody who may; once more changes nothing."""
    with transaction.atomic():
        if AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now()):
            record_audit(
                actor=actor, verb="token.revoke", target=token, team=team,
                before={"state": "active"}, after={"state": "revoked"},
            )  # fmt: skip
    token.refresh_from_db()
    return token
