"""Dependencies over REST: which application uses which API."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import ApiVersion, Subscription
from common.rest import PublicViewSet
from usage.selectors import DependencyFilters, dependencies_for


class DependencyQuery(serializers.Serializer[Any]):
    """What to narrow to."""

    team = serializers.CharField(
        max_length=60, required=False, default="", allow_blank=True, help_text="A team's slug, on either side."
    )
    api = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="An id, `team/slug`, or a part of the name.",
    )
    application = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="An id, `team/name`, or a part of the name.",
    )
    state = serializers.ChoiceField(choices=ApiVersion.State.choices, required=False, default="", allow_blank=True)
    called = serializers.BooleanField(required=False, default=False, help_text="Only what was called in 30 days.")
    neighbours = serializers.BooleanField(
        required=False, default=False, help_text="Also what the found applications use, and who uses the found APIs."
    )


class DependencySerializer(serializers.ModelSerializer[Subscription]):
    """One application's use of one version; `state` is the version's."""

    application = serializers.CharField(source="application.public_id")
    application_name = serializers.CharField(source="application.name")
    team = serializers.CharField(source="application.team.public_id", help_text="Whose application it is.")
    team_name = serializers.CharField(source="application.team.name")
    api = serializers.CharField(source="version.api.public_id")
    api_name = serializers.CharField(source="version.api.name")
    api_team = serializers.CharField(source="version.api.team.public_id")
    version = serializers.CharField(source="version.name")
    version_id = serializers.CharField(source="version.public_id")
    plan = serializers.CharField(source="plan.public_id")
    plan_name = serializers.CharField(source="plan.name")
    state = serializers.ChoiceField(choices=ApiVersion.State.choices, source="version.state")
    subscription = serializers.CharField(source="public_id")
    subscription_state = serializers.ChoiceField(choices=Subscription.State.choices, source="state")
    calls_30d = serializers.IntegerField(source="calls_30_days")
    last_call_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Subscription
        fields = (
            "application", "application_name", "team", "team_name", "api", "api_name", "api_team", "version",
            "version_id", "plan", "plan_name", "state", "subscription", "subscription_state", "calls_30d",
            "last_call_at",
        )  # fmt: skip


class DependencyViewSet(PublicViewSet):
    """Who uses what: applications of one's teams, and those that use APIs of one's teams."""

    permissions: ClassVar = {"list": "signed_in"}
    serializer_class = DependencySerializer
    queryset = Subscription.objects.none()

    def get_queryset(self) -> Any:
        """Return what is to be seen under the filters of the query."""
        query = DependencyQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        asked = dict(query.validated_data)
        filters = DependencyFilters(is_called=asked.pop("called"), has_neighbours=asked.pop("neighbours"), **asked)
        return dependencies_for(self.actor, filters)

    @extend_schema(parameters=[DependencyQuery])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List dependencies, the newest subscription first."""
        return super().list(request, *args, **kwargs)
