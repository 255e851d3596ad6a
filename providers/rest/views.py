"""Providers, models, prices and aliases over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from django_filters import BooleanFilter, CharFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.concurrency import require_match
from common.errors import NotFound
from common.rest import PublicViewSet
from providers import selectors
from providers.models import Model, ModelAlias, ModelPrice, Provider, ProviderKey
from providers.rest import serializers as forms
from providers.services.models import create_model, remove_alias, set_alias, set_price, update_model
from providers.services.providers import (
    add_provider_key,
    create_provider,
    revoke_provider_key,
    try_provider,
    update_provider,
)


class ProviderViewSet(PublicViewSet):
    """AI providers."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "platform.admin", "partial_update": "platform.admin",
        "test": "platform.admin",
    }  # fmt: skip
    serializer_class = forms.ProviderSerializer
    queryset = Provider.objects.all()

    def get_object(self) -> Any:
        """Return a provider by id or slug."""
        return selectors.provider_for(self.kwargs["public_id"])

    @extend_schema(request=forms.NewProviderSerializer, responses={201: forms.ProviderSerializer})
    def create(self, request: Request) -> Response:
        """Add a provider."""
        return self.answer(create_provider(actor=self.actor, **self.body(forms.NewProviderSerializer)), status=201)

    @extend_schema(request=forms.ProviderChangeSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change a provider."""
        row = self.matched()
        body = self.body(forms.ProviderChangeSerializer)
        return self.answer(update_provider(provider=row, actor=self.actor, row_version=row.row_version, **body))

    @extend_schema(request=None, responses=forms.AnswerSerializer)
    def test(self, request: Request, public_id: str) -> Response:
        """Ask the provider for its models with its newest key."""
        answer = try_provider(provider=self.get_object(), actor=self.actor)
        return Response(forms.AnswerSerializer(answer).data)


class ProviderKeyViewSet(PublicViewSet):
    """The keys of a provider."""

    permissions: ClassVar = {
        "list": "platform.admin", "retrieve": "platform.admin", "create": "platform.admin",
        "destroy": "platform.admin",
    }  # fmt: skip
    serializer_class = forms.ProviderKeySerializer
    queryset = ProviderKey.objects.none()

    def get_queryset(self) -> Any:
        """Return the provider's keys."""
        return selectors.provider_for(self.kwargs["provider"]).keys.select_related("provider")

    def create(self, request: Request, provider: str) -> Response:
        """Add a key; it is sealed at once."""
        found = selectors.provider_for(provider)
        body = self.body(forms.ProviderKeySerializer)
        return self.answer(add_provider_key(provider=found, actor=self.actor, **body), status=201)

    def destroy(self, request: Request, provider: str, public_id: str) -> Response:
        """Stop using a key."""
        revoke_provider_key(key=self.matched(), actor=self.actor)
        return Response(status=204)


class ModelFilter(FilterSet):
    """By provider, words of the name, and whether it may be called."""

    provider = CharFilter(field_name="provider__slug")
    q = CharFilter(field_name="name", lookup_expr="icontains")
    is_active = BooleanFilter()

    class Meta:
        model = Model
        fields: ClassVar[list[str]] = []


class ModelViewSet(PublicViewSet):
    """Models with their prices."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "platform.admin", "partial_update": "platform.admin",
    }  # fmt: skip
    serializer_class = forms.ModelSerializer
    filterset_class = ModelFilter
    lookup_field = "name"
    queryset = Model.objects.none()

    def get_queryset(self) -> Any:
        """Return all models, or a provider's."""
        rows = selectors.models()
        if "provider" not in self.kwargs:
            return rows
        return rows.filter(provider=selectors.provider_for(self.kwargs["provider"]))

    @extend_schema(request=forms.NewModelSerializer, responses={201: forms.ModelSerializer})
    def create(self, request: Request, provider: str) -> Response:
        """Add a model of a provider."""
        found = selectors.provider_for(provider)
        made = create_model(provider=found, actor=self.actor, **self.body(forms.NewModelSerializer))
        return self.answer(made, status=201)

    @extend_schema(request=forms.ModelChangeSerializer)
    def partial_update(self, request: Request, provider: str, name: str) -> Response:
        """Change a model's bounds, or whether it may be called."""
        row = self.matched()
        body = self.body(forms.ModelChangeSerializer, partial=True)
        update_model(model=row, actor=self.actor, row_version=row.row_version, **body)
        return self.answer(self.get_object())


class PriceFilter(FilterSet):
    """By provider and the model's name."""

    provider = CharFilter(field_name="model__provider__slug")
    model = CharFilter(field_name="model__name")

    class Meta:
        model = ModelPrice
        fields: ClassVar[list[str]] = []


class PriceViewSet(PublicViewSet):
    """The prices that were set here, newest first; each stays in the book."""

    permissions: ClassVar = {"list": "signed_in", "create": "platform.admin"}
    serializer_class = forms.SetPriceSerializer
    filterset_class = PriceFilter
    queryset = ModelPrice.objects.none()

    def get_queryset(self) -> Any:
        """Return all prices, or a model's."""
        rows = ModelPrice.objects.select_related("model__provider")
        return rows.filter(model=self._model()) if "name" in self.kwargs else rows

    def _model(self) -> Model:
        found = selectors.provider_for(self.kwargs["provider"])
        model = selectors.models().filter(provider=found, name=self.kwargs["name"]).first()
        if model is None:
            raise NotFound(f"{found.name} has no model called {self.kwargs['name'][:100]!r}.")
        return model

    @extend_schema(request=forms.PriceSerializer, responses={201: forms.SetPriceSerializer})
    def create(self, request: Request, provider: str, name: str) -> Response:
        """Set a model's price from now on."""
        price = set_price(model=self._model(), actor=self.actor, **self.body(forms.PriceSerializer))
        return self.answer(price, status=201)


class AliasViewSet(PublicViewSet):
    """Aliases of models."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "platform.admin", "destroy": "platform.admin",
    }  # fmt: skip
    serializer_class = forms.AliasSerializer
    lookup_field = "name"
    queryset = ModelAlias.objects.select_related("model__provider")

    def create(self, request: Request) -> Response:
        """Let an alias name a model; If-Match is needed to point one that is there to another model."""
        body = self.body(forms.AliasSerializer)
        before = self.get_queryset().filter(name=body["name"]).first()
        if before is not None:
            require_match(before, request.headers.get("If-Match"))
        name = body["model"]["wire_name"]
        model = selectors.model_named(name)
        if model is None:
            raise NotFound(f"There is no model called {name[:100]!r}.")
        return self.answer(set_alias(name=body["name"], model=model, actor=self.actor), status=201)

    def destroy(self, request: Request, name: str) -> Response:
        """Take an alias away."""
        remove_alias(alias=self.matched(), actor=self.actor)
        return Response(status=204)
