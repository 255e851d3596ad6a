"""Providers and their keys: create, change, test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import F

from common import outbound
from common.errors import Conflict, DomainError, Invalid, NotAllowed, Stale
from common.identifiers import propose_slug
from common.sealed import sealer
from providers.models import Provider, ProviderKey
from providers.services.models import create_model
from providers.signals import provider_changed, provider_key_changed
from teams.models import User
from teams.services.audit import record_audit

FIELDS = ("name", "base_url", "price_provider", "is_active")
TEST_SECONDS = 10.0


def require_admin(actor: User, what: str) -> None:
    """Raise NotAllowed unless the actor is a platform admin: providers serve the whole installation."""
    if not actor.is_platform_admin:
        raise NotAllowed(f"Only a platform admin may {what}.")


def create_provider(
    *,
    name: str,
    base_url: str,
    actor: User,
    slug: str | None = None,
    secret: str = "",
    models: Sequence[str] = (),
    price_provider: str = "",
) -> Provider:
    """Add a provider with its first key and its models; all or nothing."""
    require_admin(actor, "add providers")
    provider = Provider(
        name=name.strip(),
        slug=slug or propose_slug(name, fallback="provider"),
        base_url=_checked_url(base_url),
        price_provider=price_provider,
    )
    provider.full_clean(validate_constraints=False, validate_unique=False)
    try:
        with transaction.atomic():
            provider.save()
            record_audit(
                actor=actor, verb="provider.create", target=provider, team=None,
                after={"slug": provider.slug, **_values(provider)},
            )  # fmt: skip
            provider_changed.send(Provider, provider=provider)
            if secret.strip():
                add_provider_key(provider=provider, name="first", secret=secret, actor=actor)
            for model in models:
                create_model(provider=provider, name=model, actor=actor)
    except IntegrityError as error:
        raise Conflict(f"There is a provider called {provider.slug} already.", code="name-taken") from error
    return provider


def update_provider(*, provider: Provider, actor: User, row_version: int | None = None, **changes: Any) -> Provider:
    """Change a provider; with `row_version` raise Stale when somebody was faster."""
    require_admin(actor, "change providers")
    if unknown := set(changes) - set(FIELDS):
        raise Invalid(f"A provider has no {', '.join(sorted(unknown))}.")
    before = _values(provider)
    if "base_url" in changes:
        changes["base_url"] = _checked_url(changes["base_url"])
    for field, value in changes.items():
        setattr(provider, field, value)
    provider.full_clean(validate_unique=False, validate_constraints=False)
    seen = provider.row_version if row_version is None else row_version
    with transaction.atomic():
        moved = Provider.objects.filter(pk=provider.pk, row_version=seen).update(
            **_values(provider), row_version=F("row_version") + 1
        )
        if moved != 1:
            raise Stale(f"Somebody changed {provider.slug} meanwhile. Read it again and repeat the change.")
        provider.refresh_from_db()
        record_audit(
            actor=actor, verb="provider.update", target=provider, team=None, before=before, after=_values(provider)
        )
        provider_changed.send(Provider, provider=provider)
    return provider


def add_provider_key(*, provider: Provider, name: str, secret: str, actor: User) -> ProviderKey:
    """Add a key; its secret is sealed and bound to its row, and never shown again."""
    require_admin(actor, "add provider keys")
    secret = secret.strip()
    if not 1 <= len(secret) <= 4096 or not secret.isascii() or not secret.isprintable():
        raise Invalid(
            "The key must be plain text of at most 4,096 characters, without line breaks.",
            errors=[{"detail": "Copy the key again, without spaces or line breaks.", "pointer": "/secret"}],
        )
    key = ProviderKey(provider=provider, name=name.strip() or "key", last_four=secret[-4:] if len(secret) > 8 else "")
    key.sealed = sealer().seal(secret.encode(), context=f"provider_key:{key.public_id}")
    key.full_clean(exclude=["sealed", "last_four"])
    with transaction.atomic():
        key.save()
        record_audit(
            actor=actor, verb="provider.add_key", target=key, team=None,
            after={"provider": provider.slug, "name": key.name, "last_four": key.last_four},
        )  # fmt: skip
        provider_key_changed.send(ProviderKey, key=key)
    return key


def revoke_provider_key(*, key: ProviderKey, actor: User) -> ProviderKey:
    """Stop using a key; calls take the provider's other keys, or are refused when there is none."""
    require_admin(actor, "revoke provider keys")
    with transaction.atomic():
        if ProviderKey.objects.filter(pk=key.pk, is_active=True).update(is_active=False) != 1:
            raise Conflict(f"The key {key.name} is revoked already.")
        key.refresh_from_db()
        record_audit(
            actor=actor, verb="provider.revoke_key", target=key, team=None,
            before={"is_active": True}, after={"is_active": False},
        )  # fmt: skip
        provider_key_changed.send(ProviderKey, key=key)
    return key


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a provider answered to a listing of its models, in its own words."""

    is_working: bool
    status: int
    words: str
    models: tuple[str, ...] = ()
    elapsed_ms: float = 0.0


def try_provider(*, provider: Provider, actor: User) -> ProviderAnswer:
    """Ask a provider for its models with its newest active key."""
    require_admin(actor, "test providers")
    headers = {"accept": "application/json", **secret_header(provider)}
    try:
        answer = outbound.request(
            "GET", f"{provider.base_url.rstrip('/')}/models", headers=headers, timeout_seconds=TEST_SECONDS
        )
    except DomainError as error:
        return ProviderAnswer(False, 0, error.detail)
    try:
        body = orjson.loads(answer.content)
        rows = body.get("data") if isinstance(body, dict) else None
        names = tuple(str(item["id"]) for item in rows or () if isinstance(item, dict) and "id" in item)
    except orjson.JSONDecodeError:
        names, rows = (), None
    if answer.status == 200 and rows is not None:
        return ProviderAnswer(True, 200, f"It lists {len(names)} models.", names[:500], answer.elapsed_ms)
    words = answer.content[:500].decode("utf-8", "replace")
    return ProviderAnswer(False, answer.status, words or f"It answered {answer.status}.", (), answer.elapsed_ms)


def secret_header(provider: Provider) -> dict[str, str]:
    """Return the Authorization header of a provider's newest active key, nothing when it has none."""
    key = provider.keys.filter(is_active=True).order_by("-id").first()
    if key is None:
        return {}
    secret = sealer().open(bytes(key.sealed), context=f"provider_key:{key.public_id}").decode()
    return {"authorization": f"Bearer {secret}"}


def _checked_url(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        outbound.check_url(url)
    except Invalid as error:
        raise Invalid(error.detail, errors=[{"detail": error.detail, "pointer": "/base_url"}]) from error
    return url


def _values(provider: Provider) -> dict[str, Any]:
    return {field: getattr(provider, field) for field in FIELDS}
