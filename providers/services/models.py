"""Models, their prices and aliases."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, Stale
from providers.models import Model, ModelAlias, ModelPrice, Provider
from providers.signals import alias_changed, model_changed
from teams.models import User
from teams.services.audit import record_audit

FIELDS = ("display_name", "context_tokens", "max_output_tokens", "is_active")


def _require_admin(actor: User, what: str) -> None:
    if not actor.is_platform_admin:
        raise NotAllowed(f"Only a platform admin may {what}.")


def create_model(*, provider: Provider, name: str, actor: User, **fields: Any) -> Model:
    """Add a model of a provider, named as the provider calls it."""
    _require_admin(actor, "add models")
    model = Model(provider=provider, name=name.strip(), **_known(fields))
    model.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            model.save()
            record_audit(
                actor=actor, verb="model.create", target=model, team=None, after={"name": model.wire_name, **fields}
            )
            model_changed.send(Model, model=model)
    except IntegrityError as error:
        raise Conflict(f"{provider.name} has a model called {model.name} already.", code="name-taken") from error
    return model


def update_model(*, model: Model, actor: User, row_version: int | None = None, **changes: Any) -> Model:
    """Change a model's description, bounds or whether it may be called; raise Stale when somebody was faster."""
    _require_admin(actor, "change models")
    before = {name: getattr(model, name) for name in FIELDS}
    for name, value in _known(changes).items():
        setattr(model, name, value)
    model.full_clean(validate_constraints=False)
    seen = model.row_version if row_version is None else row_version
    with transaction.atomic():
        values = {name: getattr(model, name) for name in FIELDS}
        rows = Model.objects.filter(pk=model.pk, row_version=seen)
        if rows.update(**values, row_version=F("row_version") + 1) != 1:
            raise Stale(f"Somebody changed {model} meanwhile. Read it again and repeat the change.")
        model.refresh_from_db()
        record_audit(actor=actor, verb="model.update", target=model, team=None, before=before, after=values)
        model_changed.send(Model, model=model)
    return model


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(fields) - set(FIELDS):
        raise Invalid(f"A model has no {', '.join(sorted(unknown))}.")
    return fields


def set_price(
    *,
    model: Model,
    input_usd_per_million: Decimal,
    output_usd_per_million: Decimal,
    actor: User,
    cached_input_usd_per_million: Decimal | None = None,
    effective_at: datetime | None = None,
) -> ModelPrice:
    """Set a model's price in USD per million tokens, from now or a moment past; older prices stay in the book."""
    _require_admin(actor, "set prices")
    if effective_at is not None and effective_at > now():
        # The gateway is told a price when it is set; it has one price per model.
        detail = f"A price counts from now or earlier, not from {effective_at:%Y-%m-%d %H:%M} on."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/effective_at"}])
    price = ModelPrice(
        model=model,
        input_usd_per_million=input_usd_per_million,
        output_usd_per_million=output_usd_per_million,
        cached_input_usd_per_million=cached_input_usd_per_million,
        effective_at=effective_at or now(),
    )
    price.full_clean()
    with transaction.atomic():
        before = model.prices.first()
        price.save()
        record_audit(
            actor=actor, verb="model.set_price", target=model, team=None,
            before=_price(before) if before else {}, after=_price(price),
        )  # fmt: skip
        model_changed.send(Model, model=model)
    return price


def _price(price: ModelPrice) -> dict[str, Any]:
    return {
        "input_usd_per_million": str(price.input_usd_per_million),
        "output_usd_per_million": str(price.output_usd_per_million),
        "effective_at": price.effective_at.isoformat(),
    }


def set_alias(*, name: str, model: Model, actor: User) -> ModelAlias:
    """Let an alias name a model; an alias that exists is pointed to the new one."""
    _require_admin(actor, "set aliases")
    alias = ModelAlias.objects.filter(name=name).first() or ModelAlias(name=name)
    before = {"model": alias.model.wire_name} if alias.pk else {}
    alias.model = model
    alias.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            alias.save()
            record_audit(
                actor=actor, verb="model.set_alias", target=alias, team=None, before=before,
                after={"model": model.wire_name},
            )  # fmt: skip
            alias_changed.send(ModelAlias, alias=alias, is_deleted=False)
    except IntegrityError as error:
        raise Conflict(f"Somebody made the alias {name} meanwhile. Read it again.", code="name-taken") from error
    return alias


def remove_alias(*, alias: ModelAlias, actor: User) -> None:
    """Take an alias away: calls that name it get 404."""
    _require_admin(actor, "remove aliases")
    with transaction.atomic():
        before = {"model": alias.model.wire_name}
        record_audit(actor=actor, verb="model.remove_alias", target=alias, team=None, before=before)
        alias_changed.send(ModelAlias, alias=alias, is_deleted=True)
        alias.delete()
