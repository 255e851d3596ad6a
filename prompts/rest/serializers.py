"""The JSON forms of prompts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apis.models import Api
from prompts.models import PromptTemplate, PromptVersion


class PromptVersionSerializer(serializers.ModelSerializer[PromptVersion]):
    """One text of a prompt."""

    id = serializers.CharField(source="public_id", read_only=True)
    schema = serializers.DictField(read_only=True, allow_null=True)
    is_published = serializers.SerializerMethodField()

    class Meta:
        model = PromptVersion
        fields = (
            "id", "number", "system", "text", "parameters", "model", "output", "schema", "temperature",
            "max_output_tokens", "is_published", "created_at",
        )  # fmt: skip

    def get_is_published(self, row: PromptVersion) -> bool:
        """Say whether an API carries it."""
        return row.revision_id is not None


class PromptSerializer(serializers.ModelSerializer[PromptTemplate]):
    """A prompt; `team` is the owning team's id."""

    id = serializers.CharField(source="public_id", read_only=True)
    team = serializers.CharField(source="team.public_id", read_only=True)

    class Meta:
        model = PromptTemplate
        fields = ("id", "team", "slug", "name", "description", "created_at")


class ContentSerializer(serializers.Serializer[Any]):
    """A prompt's content; parameters left out are found in the texts."""

    text = serializers.CharField(max_length=100_000, trim_whitespace=False)
    system = serializers.CharField(max_length=100_000, required=False, allow_blank=True, trim_whitespace=False)
    parameters = serializers.ListField(child=serializers.DictField(), required=False)
    model = serializers.CharField(max_length=260)
    output = serializers.ChoiceField(choices=PromptVersion.Output.choices, required=False)
    schema = serializers.DictField(required=False, allow_null=True)
    temperature = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=2)
    max_output_tokens = serializers.IntegerField(required=False, min_value=1, max_value=100_000)


class NewPromptSerializer(ContentSerializer):
    """A new prompt with its first version."""

    team = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class RunSerializer(serializers.Serializer[Any]):
    """The arguments of a run."""

    arguments = serializers.DictField(required=False, default=dict)


class RunResultSerializer(serializers.Serializer[Any]):
    """What the model answered."""

    output = serializers.JSONField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.DecimalField(max_digits=24, decimal_places=9, allow_null=True)
    elapsed_ms = serializers.FloatField()
    model = serializers.CharField()


class PublishSerializer(serializers.Serializer[Any]):
    """Where the prompt is called and by whom."""

    path = serializers.CharField(max_length=100, required=False)
    base_path = serializers.CharField(max_length=200, required=False)
    visibility = serializers.ChoiceField(choices=Api.Visibility.choices, required=False)
    limits = serializers.ListField(child=serializers.DictField(), required=False)
