"""OpenID providers are added, changed and removed here, by platform admins."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from common.outbound import check_url
from common.sealed import sealer
from teams.models import GroupRole, Role, SignInProvider, Team, User
from teams.services.audit import record_audit

FIELDS = ("name", "issuer", "client_id", "scopes", "allowed_domains", "groups_claim", "is_enabled")
DOMAIN = re.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$")


def provider_for(actor: User, public_id: str) -> SignInProvider:
    """Return a provider for a platform admin; raise NotFound."""
    _require_admin(actor)
    found = SignInProvider.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such provider.")
    return found


def create_provider(*, actor: User, secret: str = "", **fields: Any) -> SignInProvider:
    """Add a provider; its address must pass the guard. An empty secret means a public client."""
    _require_admin(actor)
    provider = SignInProvider(**_checked(fields))
    _seal(provider, secret)
    provider.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            provider.save()
            _record(actor, "create", provider, after=provider_values(provider))
    except IntegrityError as error:
        raise _taken(provider) from error
    return provider


def update_provider(
    *, provider: SignInProvider, actor: User, row_version: int, secret: str = "", **fields: Any
) -> SignInProvider:
    """Change a provider; an empty secret keeps the one there is. Raise Stale when somebody was faster."""
    _require_admin(actor)
    before = provider_values(provider)
    changes = _checked(fields)
    if changes.get("issuer", provider.issuer) != provider.issuer and provider.identities.exists():
        # A subject is unique within its issuer alone: another issuer's would be taken for people linked before.
        detail = "People are linked under this issuer: add the other one as a provider of its own."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/issuer"}])
    for name, value in changes.items():
        setattr(provider, name, value)
    if secret:
        _seal(provider, secret)
    provider.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            rows = SignInProvider.objects.filter(pk=provider.pk, row_version=row_version)
            if rows.update(**changes, secret=provider.secret, row_version=F("row_version") + 1) != 1:
                raise Stale(f"Somebody changed {before['name']} meanwhile. Read it again and repeat the change.")
            provider.refresh_from_db()
            after = provider_values(provider) | ({"secret": "new"} if secret else {})
            _record(actor, "update", provider, before=before, after=after)
    except IntegrityError as error:
        raise _taken(provider) from error
    return provider


def delete_provider(*, provider: SignInProvider, actor: User) -> None:
    """Remove a provider with its links; memberships that came from it stay, as if made by hand."""
    _require_admin(actor)
    with transaction.atomic():
        _record(actor, "delete", provider, before=provider_values(provider))
        provider.delete()


def add_group_role(*, provider: SignInProvider, group: str, team: Team, role: Role, actor: User) -> GroupRole:
    """Let a group stand for a role in a team from each member's next sign-in on."""
    _require_admin(actor)
    row = GroupRole(provider=provider, group=group.strip(), team=team, role=role)
    row.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            row.save()
            _record(actor, "add_group", provider, after={"group": row.group, "team": team.slug, "role": role.value})
    except IntegrityError as error:
        detail = f"{row.group} stands for a role in {team.name} already: remove that row first."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/group"}]) from error
    return row


def remove_group_role(*, provider: SignInProvider, row_id: int, actor: User) -> None:
    """Let a group stand for nothing more; who had the role by it loses it at their next sign-in."""
    _require_admin(actor)
    row = provider.group_roles.filter(pk=row_id).select_related("team").first()
    if row is None:
        raise NotFound("There is no such row.")
    with transaction.atomic():
        before = {"group": row.group, "team": row.team.slug, "role": row.role}
        _record(actor, "remove_group", provider, before=before)
        row.delete()


def provider_values(provider: SignInProvider) -> dict[str, Any]:
    """Return what the audit log keeps of a provider: never its secret."""
    return {name: getattr(provider, name) for name in FIELDS}


def read_domains(text: str) -> list[str]:
    """Return the domains of a text, separated by commas, spaces or lines; raise Invalid for one that is none."""
    names = [name.removeprefix("@").lower().rstrip(".") for name in text.replace(",", " ").split()]
    if bad := [name for name in names if not DOMAIN.match(name)]:
        detail = f"{bad[0]!r} is no domain of e-mail addresses. Write it such as example.com."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/allowed_domains"}])
    return list(dict.fromkeys(names))


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(fields) - set(FIELDS):
        raise Invalid(f"A provider has no {', '.join(sorted(unknown))}.")
    errors: list[dict[str, Any]] = []
    if "issuer" in fields:
        try:
            check_url(fields["issuer"])
        except Invalid as error:
            errors.append({"detail": error.detail, "pointer": "/issuer"})
    if "scopes" in fields and "openid" not in fields["scopes"].split():
        errors.append({"detail": "openid must be one of the scopes.", "pointer": "/scopes"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    return fields


def _seal(provider: SignInProvider, secret: str) -> None:
    context = f"sign_in:{provider.public_id}"
    provider.secret = sealer().seal(secret.encode(), context=context) if secret else b""


def _taken(provider: SignInProvider) -> Conflict:
    return Conflict(f"There is a provider named {provider.name}, or one of {provider.issuer}.", code="name-taken")


def _record(actor: User, verb: str, provider: SignInProvider, **values: Any) -> None:
    record_audit(actor=actor, verb=f"sign_in.{verb}", target=provider, team=None, **values)


def _require_admin(actor: User) -> None:
    if not actor.is_platform_admin:
        raise NotAllowed("Only a platform admin may do this.")
