"""Who runs which generation, over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.control.selectors import gateway_status


class WorkerSerializer(serializers.Serializer[Any]):
    """One worker, desired versus applied."""

    node = serializers.CharField()
    worker = serializers.CharField()
    desired = serializers.IntegerField()
    applied = serializers.IntegerField()
    state = serializers.CharField()
    spool_bytes = serializers.IntegerField()
    reported_at = serializers.DateTimeField()
    rejected = serializers.ListField(child=serializers.DictField())
    stats = serializers.DictField(help_text="Calls under way, queue, lease hit rate, memory, spool age, clock skew.")


class GatewaySerializer(serializers.Serializer[Any]):
    """All workers and the sentence that sums them up."""

    desired_generation = serializers.IntegerField()
    sentence = serializers.CharField()
    is_in_step = serializers.BooleanField()
    workers = WorkerSerializer(many=True)


class GatewayView(APIView):
    """The gateways of the installation."""

    permission = "platform.admin"

    @extend_schema(responses=GatewaySerializer)
    def get(self, request: Request) -> Response:
        """Answer desired versus applied."""
        return Response(GatewaySerializer(asdict(gateway_status())).data)
