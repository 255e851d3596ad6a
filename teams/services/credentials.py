"""API keys: issued once in clear, kept as keyed hashes, revoked for ever."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from common.clock import now
from common.errors import Conflict, Invalid, Stale
from common.sealed import hash_secret
from gateway.dataplane.keys import hint, mint_key
from teams.models import Application, Credential, Role, User
from teams.roles import require_role
from teams.services.audit import record_audit
from teams.signals import credential_changed


def issue_credential(
    *, application: Application, name: str, actor: User, expires_at: datetime | None = None
) -> tuple[Credential, str]:
    """Create a key; the second value is the only time its secret is seen."""
    require_role(actor=actor, team=application.team, role=Role.DEVELOPER, what="create keys")
    if expires_at is not None and expires_at <= now():
        raise Invalid(
            f"The expiry {expires_at:%Y-%m-%d %H:%M} lies in the past.",
            errors=[{"detail": "Choose a moment that lies ahead.", "pointer": "/expires_at"}],
        )
    key = mint_key()
    credential = Credential(
        application=application,
        name=name.strip(),
        key_hash=hash_secret(key),
        hint=hint(key),
        created_by=actor,
        expires_at=expires_at,
    )
    credential.full_clean()
    with transaction.atomic():
        credential.save()
        record_audit(
            actor=actor,
            verb="key.create",
            target=credential,
            team=application.team,
            after={
                "name": credential.name,
                "hint": credential.hint,
                "application": application.public_id,
                "expires_at": expires_at.isoformat() if expires_at else None,
            },
        )
        credential_changed.send(Credential, credential=credential)
    return credential, key


def revoke_credential(*, credential: Credential, actor: User, row_version: int | None = None) -> Credential:
    """Revoke a key: calls with it get 401 on every gateway within a second. It cannot be undone."""
    team = credential.application.team
    require_role(actor=actor, team=team, role=Role.DEVELOPER, what="revoke keys")
    with transaction.atomic():
        rows = Credential.objects.filter(pk=credential.pk, revoked_at=None)
        if row_version is not None:
            rows = rows.filter(row_version=row_version)
        if rows.update(revoked_at=now(), row_version=F("row_version") + 1) != 1:
            credential.refresh_from_db()
            if credential.revoked_at is None:
                raise Stale(f"Somebody changed the key {credential.name} meanwhile. Read it again.")
            raise Conflict(
                f"The key {credential.name} {credential.hint} is revoked already.", code="key-revoked-already"
            )
        before = {"state": credential.state}
        credential.refresh_from_db()
        record_audit(
            actor=actor, verb="key.revoke", target=credential, team=team, before=before, after={"state": "revoked"}
        )
        credential_changed.send(Credential, credential=credential)
    return credential
