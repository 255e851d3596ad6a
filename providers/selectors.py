"""What is asked of providers: which there are, their models with prices, what a name on the wire means."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from common.errors import NotFound
from providers.models import Model, ModelAlias, Provider
from providers.pricebook import Price, price_of


def providers() -> QuerySet[Provider]:
    """Return all providers with the counts of their models and active keys."""
    return Provider.objects.annotate(
        model_count=Count("models", distinct=True),
        key_count=Count("keys", filter=Q(keys__is_active=True), distinct=True),
    )


def provider_for(slug: str) -> Provider:
    """Return a provider by slug or public id; raise NotFound."""
    found = Provider.objects.filter(Q(slug=slug) | Q(public_id=slug)).first()
    if found is None:
        raise NotFound(f"There is no provider called {slug[:60]}.")
    return found


def models() -> QuerySet[Model]:
    """Return all models with their providers, prices and aliases."""
    return Model.objects.select_related("provider").prefetch_related("aliases", "prices")


def model_named(name: str) -> Model | None:
    """Return the model behind a wire name or an alias, None when there is none."""
    alias = ModelAlias.objects.select_related("model__provider").filter(name=name).first()
    if alias is not None:
        return alias.model
    slug, _, model = name.partition("/")
    return Model.objects.select_related("provider").filter(provider__slug=slug, name=model).first()


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model and its price in force."""

    model: Model
    price: Price | None


def priced(rows: list[Model]) -> list[PricedModel]:
    """Return models with their prices."""
    return [PricedModel(row, price_of(row)) for row in rows]


def callable_names() -> list[str]:
    """Return every name a prompt may use: aliases first, then wire names of active models."""
    aliases = ModelAlias.objects.filter(model__is_active=True).order_by("name").values_list("name", flat=True)
    rows = Model.objects.select_related("provider").filter(is_active=True, provider__is_active=True)
    return [*aliases, *(row.wire_name for row in rows)]
