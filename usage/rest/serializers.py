"""The JSON forms of usage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from common.clock import now
from usage.models import CostReport
from usage.reports.cost import CONSUMED
from usage.selectors import Sight

DEFAULT_RANGE = timedelta(hours=24)


class UsageQuery(serializers.Serializer):
    """What a reader may ask for; the last 24 hours when nothing is said."""

    version = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    application = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    team = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    interval = serializers.ChoiceField(["minute", "hour", "day"], required=False, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill the range in."""
        attrs.setdefault("until", now())
        attrs.setdefault("since", attrs["until"] - DEFAULT_RANGE)
        return attrs


class NumbersSerializer(serializers.Serializer):
    """Counts; latency percentiles in ms (null without an answered call); USD (null where it may not be seen)."""

    calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # shadows DRF's own, unused for output
    caller_errors = serializers.IntegerField()
    policy_errors = serializers.IntegerField()
    upstream_errors = serializers.IntegerField()
    gateway_errors = serializers.IntegerField()
    answers_2xx = serializers.IntegerField()
    answers_3xx = serializers.IntegerField()
    answers_4xx = serializers.IntegerField()
    answers_5xx = serializers.IntegerField()
    interrupted = serializers.IntegerField()
    unpriced = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.DecimalField(max_digits=24, decimal_places=9, allow_null=True)
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)
    p99_ms = serializers.FloatField(allow_null=True)


class PointSerializer(serializers.Serializer):
    """The numbers of one interval."""

    at = serializers.DateTimeField()
    is_running = serializers.BooleanField()
    numbers = NumbersSerializer()


class FreshnessSerializer(serializers.Serializer):
    """How old the numbers are."""

    as_of = serializers.DateTimeField(allow_null=True)
    is_late = serializers.BooleanField()
    reason = serializers.CharField()


class UsageSerializer(serializers.Serializer):
    """The numbers of a range, in all and per interval."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    interval = serializers.CharField()
    totals = NumbersSerializer()
    refused = serializers.IntegerField()
    freshness = FreshnessSerializer()
    points = PointSerializer(many=True)


class StepSerializer(serializers.Serializer):
    """One moment of a call."""

    name = serializers.CharField()
    text = serializers.CharField()
    after_ms = serializers.FloatField(allow_null=True)


class ServiceLevelSerializer(serializers.Serializer[Any]):
    """What a version's callers met."""

    days = serializers.IntegerField(help_text="The span that was measured, today included.")
    availability = serializers.FloatField(
        allow_null=True, help_text="From 0 to 1: the calls that did not fail by the gateway or the upstream."
    )
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)


class CallSerializer(serializers.Serializer):
    """One call explained. With source `verdict` only the verdict is known."""

    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of this name, not DRF's attribute
    at = serializers.DateTimeField()
    method = serializers.CharField()
    path = serializers.CharField()
    state = serializers.CharField()
    status = serializers.IntegerField()
    verdict = serializers.CharField(source="sentence")
    code = serializers.CharField()
    fault = serializers.CharField()
    rule = serializers.CharField()
    advice = serializers.CharField()
    api_name = serializers.CharField()
    version = serializers.CharField()
    operation_id = serializers.CharField()
    application_name = serializers.CharField()
    model = serializers.CharField()
    is_try_it = serializers.BooleanField()
    client_request_id = serializers.CharField()
    attempts = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    request_bytes = serializers.IntegerField()
    response_bytes = serializers.IntegerField()
    is_estimated = serializers.BooleanField()
    price_state = serializers.CharField()
    cost_usd = serializers.DecimalField(max_digits=24, decimal_places=9, allow_null=True)
    total_ms = serializers.FloatField(allow_null=True)
    steps = StepSerializer(many=True)


class CostReportSerializer(serializers.ModelSerializer):
    """A report without its lines."""

    id = serializers.CharField(source="public_id")
    team = serializers.CharField(source="team.public_id")
    team_name = serializers.CharField(source="team.name")

    def to_representation(self, instance: CostReport) -> dict[str, Any]:
        """Leave out what the team's APIs cost others, for whom that is not to be seen."""
        data = super().to_representation(instance)
        sight: Sight = self.context["sight"]
        if not sight.may_see_provided(instance.team.public_id):
            data["provided_usd"] = None
            for line in data.get("lines", []):
                line["cost_usd"] = line["cost_usd"] if line["side"] == CONSUMED else None
        return data

    class Meta:
        model = CostReport
        fields = (
            "id",
            "team",
            "team_name",
            "month",
            "total_usd",
            "calls",
            "provided_usd",
            "provided_calls",
            "as_of",
            "frozen_at",
            "content_hash",
        )


class LineSerializer(serializers.Serializer):
    """What one application's calls of one version with one model cost."""

    side = serializers.ChoiceField(["consumed", "provided"])
    api_id = serializers.CharField()
    api_name = serializers.CharField()
    version = serializers.CharField()
    application_id = serializers.CharField()
    application_name = serializers.CharField()
    model = serializers.CharField()
    calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    unpriced = serializers.IntegerField()
    cost_usd = serializers.CharField(allow_null=True)


class CostReportDetailSerializer(CostReportSerializer):
    """A report with its lines."""

    lines = LineSerializer(many=True)

    class Meta:
        model = CostReport
        fields = (*CostReportSerializer.Meta.fields, "lines")
