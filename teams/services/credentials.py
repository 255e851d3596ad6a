"""API keys: issued once in clear, kept as keyed hashes, revoked for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from common.clock import now
from common.errors import Conflict, Invalid, Stale
from common.sealed import hash_secret
from gateway.dataplane.keys import hint, is_well_formed, mint_key
from teams import ports
from teams.models import Application, Credential, User
from teams.roles import people_with, require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify
from teams.signals import credential_changed

LONGEST_OVERLAP = timedelta(days=30)


def issue_credential(
    *,
    application: Application,
    name: str,
    actor: User,
    expires_at: datetime | None = None,
    environment: str = "production",
) -> tuple[Credential, str]:
    """Create a key of an environment; the second value is the only time its secret is seen."""
    require_permission(actor=actor, team=application.team, permission="keys.manage", what="create keys")
    if expires_at is not None and expires_at <= now():
        raise Invalid(
            f"The expiry {expires_at:%Y-%m-%d %H:%M} lies in the past.",
            errors=[{"detail": "Choose a moment that lies ahead.", "pointer": "/expires_at"}],
        )
    assert ports.environments is not None
    if environment not in (known := ports.environments()):
        detail = f"There is no environment {environment[:40]!r}; there are {', '.join(known)}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/environment"}])
    key = mint_key()
    credential = Credential(
        application=application,
        name=name.strip(),
        environment=environment,
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
                "environment": environment,
                "expires_at": expires_at.isoformat() if expires_at else None,
            },
        )
        credential_changed.send(Credential, credential=credential)
    return credential, key


def revoke_credential(*, credential: Credential, actor: User, row_version: int | None = None) -> Credential:
    """Revoke a key: calls with it get 401 on every gateway within a second. It cannot be undone."""
    team = credential.application.team
    require_permission(actor=actor, team=team, permission="keys.manage", what="revoke keys")
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


def rotate_credential(
    *, credential: Credential, actor: User, overlap: timedelta, row_version: int | None = None
) -> tuple[Credential, str]:
    """Issue a successor of a key; for `overlap` both are served, then the old one expires by itself.

    Return the successor and its secret. Raise Conflict for a key that is not active.
    """
    team = credential.application.team
    require_permission(actor=actor, team=team, permission="keys.manage", what="rotate keys")
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        detail = f"The overlap lasts at most {LONGEST_OVERLAP.days} days."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/overlap_hours"}])
    if credential.state != "active":
        raise Conflict(f"The key {credential.name} {credential.hint} is {credential.state}: make a new one.",
                       code="move-not-possible")  # fmt: skip
    with transaction.atomic():
        successor, key = issue_credential(
            application=credential.application, name=credential.name, actor=actor, expires_at=credential.expires_at,
            environment=credential.environment,
        )  # fmt: skip
        ends = now() + overlap
        if credential.expires_at is not None:
            ends = min(ends, credential.expires_at)
        _change(credential, "rotate", actor, row_version, successor=successor, expires_at=ends)
    return successor, key


def disable_credential(
    *, credential: Credential, actor: User, reason: str = "", row_version: int | None = None
) -> Credential:
    """Refuse a key until it is enabled again: calls with it get 401 within a second."""
    require_permission(actor=actor, team=credential.application.team, permission="keys.manage", what="disable keys")
    if credential.state not in ("active", "rotating"):
        raise Conflict(f"The key {credential.name} is {credential.state}.", code="move-not-possible")
    return _change(credential, "disable", actor, row_version, disabled_at=now(), disabled_reason=reason.strip()[:200])


def enable_credential(*, credential: Credential, actor: User, row_version: int | None = None) -> Credential:
    """Serve a disabled key again."""
    require_permission(actor=actor, team=credential.application.team, permission="keys.manage", what="enable keys")
    if credential.state != "disabled":
        raise Conflict(f"The key {credential.name} is {credential.state}.", code="move-not-possible")
    return _change(credential, "enable", actor, row_version, disabled_at=None, disabled_reason="")


def report_leak(*, key: str, where: str = "") -> bool:
    """Disable a key that somebody found in the open, and tell its team; say whether it was one that works.

    Whoever has the key may report it: holding it is the proof.
    """
    if not is_well_formed(key):
        return False
    credential = (
        Credential.objects.select_related("application__team")
        .filter(key_hash=hash_secret(key), revoked_at=None)
        .first()
    )
    if credential is None or credential.state not in ("active", "rotating"):
        return False
    application = credential.application
    with transaction.atomic():
        reason = f"Reported as leaked{f' at {where}' if where else ''}."[:200]
        _change(credential, "leak", None, None, disabled_at=now(), disabled_reason=reason)
        notify(
            people=people_with(application.team, "keys.manage"), addresses=[application.team.contact_email],
            icon="alert-triangle", title=f"A key of {application} was found in the open",
            text=f"{credential.name} {credential.hint} was reported as leaked{f' at {where}' if where else ''} and is "
            "disabled: calls with it get 401. Rotate it, take it out of where it was found, then revoke it.",
            url=f"/applications/{application.public_id}/keys",
        )  # fmt: skip
    return True


def _change(
    credential: Credential, verb: str, actor: User | None, row_version: int | None, **changes: Any
) -> Credential:
    """Write changes of a key that is not revoked; raise Stale when somebody was faster."""
    before = {"state": credential.state}
    with transaction.atomic():
        rows = Credential.objects.filter(
            pk=credential.pk, revoked_at=None, row_version=row_version or credential.row_version
        )
        if rows.update(row_version=F("row_version") + 1, **changes) != 1:
            raise Stale(f"Somebody changed the key {credential.name} meanwhile. Read it again.")
        credential.refresh_from_db()
        record_audit(
            actor=actor, verb=f"key.{verb}", target=credential, team=credential.application.team, before=before,
            after={"state": credential.state, "hint": credential.hint}, reason=credential.disabled_reason,
        )  # fmt: skip
        credential_changed.send(Credential, credential=credential)
    return credential
