"""Endpoints of access requests."""

from __future__ import annotations

from typing import Any, ClassVar

from django_filters import CharFilter, ChoiceFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import AccessRequest, Api
from apis.selectors.access import access_requests_for, askable_for, requestable_apis
from apis.services.access import ask_for_access, grant_access, refuse_access, withdraw_access_request
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.selectors import team_for


class AccessRequestSerializer(serializers.ModelSerializer[AccessRequest]):
    """A team's wish to see an API."""

    id = serializers.CharField(source="public_id")
    api = serializers.CharField(source="api.public_id")
    team = serializers.CharField(source="team.public_id")

    class Meta:
        model = AccessRequest
        fields = ("id", "api", "team", "state", "message", "reason", "created_at", "decided_at")


class NewAccessRequestSerializer(serializers.Serializer[Any]):
    """The API, the team that asks (id or slug) and why."""

    api = serializers.CharField(max_length=60)
    team = serializers.CharField(max_length=60)
    message = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)


class RefusalSerializer(serializers.Serializer[Any]):
    """Why it is refused."""

    reason = serializers.CharField(max_length=500)


class AskableSerializer(serializers.ModelSerializer[Api]):
    """What everybody may know of an API that one may ask for."""

    id = serializers.CharField(source="public_id")
    team = serializers.CharField(source="team.name")

    class Meta:
        model = Api
        fields = ("id", "name", "summary", "team")


class AccessRequestFilter(FilterSet):
    """By state and API."""

    state = ChoiceFilter(choices=AccessRequest.State.choices)
    api = CharFilter(field_name="api__public_id")

    class Meta:
        model = AccessRequest
        fields: ClassVar[list[str]] = []


class AccessRequestViewSet(PublicViewSet):
    """The requests of one's teams, and those for their APIs."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "applications.manage", "retrieve": "team.view", "grant": "apis.manage",
        "refuse": "apis.manage", "withdraw": "applications.manage",
    }  # fmt: skip
    serializer_class = AccessRequestSerializer
    filterset_class = AccessRequestFilter
    queryset = AccessRequest.objects.none()

    def get_queryset(self) -> Any:
        """Return the requests to be seen."""
        return access_requests_for(self.actor)

    @extend_schema(request=NewAccessRequestSerializer, responses={201: AccessRequestSerializer})
    def create(self, request: Request) -> Response:
        """Ask for access."""
        body = self.body(NewAccessRequestSerializer)
        api = requestable_apis().filter(public_id=body["api"]).first()
        if api is None:
            raise NotFound("There is no such API to ask for.")
        team = team_for(self.actor, body["team"])
        made = ask_for_access(api=api, team=team, actor=self.actor, message=body["message"])
        return self.answer(made, status=201)

    @extend_schema(request=None)
    def grant(self, request: Request, public_id: str) -> Response:
        """Share the API with the team."""
        return self.answer(grant_access(request=self.get_object(), actor=self.actor))

    @extend_schema(request=RefusalSerializer)
    def refuse(self, request: Request, public_id: str) -> Response:
        """Refuse with a reason."""
        reason = self.body(RefusalSerializer)["reason"]
        return self.answer(refuse_access(request=self.get_object(), actor=self.actor, reason=reason))

    @extend_schema(request=None)
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take back a request that waits."""
        return self.answer(withdraw_access_request(request=self.get_object(), actor=self.actor))


class AskableViewSet(PublicViewSet):
    """The APIs one does not see and may ask for."""

    permissions: ClassVar = {"list": "signed_in"}
    serializer_class = AskableSerializer
    queryset = Api.objects.none()

    def get_queryset(self) -> Any:
        """Return the APIs to ask for."""
        return askable_for(self.actor)
