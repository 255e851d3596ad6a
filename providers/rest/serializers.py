"""The JSON forms of providers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from providers.models import Model, ModelAlias, ModelPrice, Provider, ProviderKey
from providers.pricebook import price_of


class ProviderSerializer(serializers.ModelSerializer[Provider]):
    """A provider; its keys are never shown."""

    id = serializers.CharField(source="public_id", read_only=True)
    slug = serializers.CharField(max_length=60, required=False)
    base_url = serializers.CharField(max_length=500)

    class Meta:
        model = Provider
        fields = ("id", "slug", "name", "wire", "base_url", "price_provider", "is_active", "created_at")
        read_only_fields = ("wire",)


class NewProviderSerializer(serializers.Serializer[Any]):
    """A new provider with its first key and models."""

    name = serializers.CharField(max_length=120)
    slug = serializers.CharField(max_length=60, required=False)
    base_url = serializers.CharField(max_length=500)
    secret = serializers.CharField(max_length=4096, required=False, default="", allow_blank=True, write_only=True)
    models = serializers.ListField(child=serializers.CharField(max_length=200), required=False, default=list)
    price_provider = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)


class ProviderChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of a provider."""

    name = serializers.CharField(max_length=120, required=False)
    base_url = serializers.CharField(max_length=500, required=False)
    price_provider = serializers.CharField(max_length=60, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class ProviderKeySerializer(serializers.ModelSerializer[ProviderKey]):
    """A key's name and last four; the secret goes in and never comes out."""

    id = serializers.CharField(source="public_id", read_only=True)
    secret = serializers.CharField(max_length=4096, write_only=True)

    class Meta:
        model = ProviderKey
        fields = ("id", "name", "last_four", "is_active", "created_at", "secret")
        read_only_fields = ("last_four", "is_active")


class AnswerSerializer(serializers.Serializer[Any]):
    """What a provider answered to a test, in its own words."""

    is_working = serializers.BooleanField()
    status = serializers.IntegerField()
    words = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())
    elapsed_ms = serializers.FloatField()


class PriceSerializer(serializers.Serializer[Any]):
    """A price in USD per million tokens; `source` says who set it."""

    input_usd_per_million = serializers.DecimalField(max_digits=14, decimal_places=6, min_value=0)
    output_usd_per_million = serializers.DecimalField(max_digits=14, decimal_places=6, min_value=0)
    cached_input_usd_per_million = serializers.DecimalField(
        max_digits=14, decimal_places=6, min_value=0, required=False, allow_null=True
    )
    source = serializers.CharField(read_only=True)  # type: ignore[assignment]


class SetPriceSerializer(serializers.ModelSerializer[ModelPrice]):
    """A price that was set here; `model` is a wire name."""

    model = serializers.CharField(source="model.wire_name", read_only=True)

    class Meta:
        model = ModelPrice
        fields = (
            "model", "input_usd_per_million", "output_usd_per_million", "cached_input_usd_per_million", "effective_at",
        )  # fmt: skip


class ModelSerializer(serializers.ModelSerializer[Model]):
    """A model; `id` is its name on the wire."""

    id = serializers.CharField(source="wire_name", read_only=True)
    provider = serializers.CharField(source="provider.slug", read_only=True)
    aliases = serializers.SerializerMethodField()
    price = serializers.SerializerMethodField()

    class Meta:
        model = Model
        fields = (
            "id", "provider", "name", "display_name", "context_tokens", "max_output_tokens", "is_active", "aliases",
            "price",
        )  # fmt: skip

    def get_aliases(self, row: Model) -> list[str]:
        """Return the aliases' names."""
        return [alias.name for alias in row.aliases.all()]

    def get_price(self, row: Model) -> dict[str, Any] | None:
        """Return the price in force, null when nobody knows one."""
        price = price_of(row)
        return dict(PriceSerializer(price).data) if price else None


class NewModelSerializer(serializers.Serializer[Any]):
    """A new model of a provider."""

    name = serializers.CharField(max_length=200)
    display_name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    context_tokens = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, default=None
    )
    max_output_tokens = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, default=None
    )


class ModelChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of a model."""

    display_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    context_tokens = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    max_output_tokens = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


class AliasSerializer(serializers.ModelSerializer[ModelAlias]):
    """An alias; `model` is a wire name."""

    name = serializers.CharField(max_length=60)
    model = serializers.CharField(source="model.wire_name")

    class Meta:
        model = ModelAlias
        fields = ("name", "model", "created_at")
