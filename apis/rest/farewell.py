"""Endpoints of a version's way out: planned moves, brownouts, who was told and who took note."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import ApiVersion, Brownout, DeprecationNotice, PlannedMove
from apis.rest import serializers as forms
from apis.selectors import visible_versions
from apis.services.brownouts import cancel_brownout, plan_brownout
from apis.services.farewell import acknowledge_deprecation, write_to_callers
from apis.services.planned_moves import cancel_planned_move, plan_move
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.roles import require_permission
from teams.selectors import application_for


class PlannedMoveSerializer(serializers.ModelSerializer[PlannedMove]):
    """A move planned for a moment to come; `outcome` says why it was not made."""

    id = serializers.CharField(source="public_id", read_only=True)
    name = serializers.ChoiceField(choices=[("publish", "Publish"), ("retire", "Retire")])

    class Meta:
        model = PlannedMove
        fields = ("id", "name", "at", "state", "outcome", "created_at")
        read_only_fields = ("state", "outcome", "created_at")


class NewPlannedMoveSerializer(forms.RetireSerializer):
    """Which move and when; a retirement takes what retiring takes."""

    name = serializers.ChoiceField(choices=[("publish", "Publish"), ("retire", "Retire")])
    at = serializers.DateTimeField()


class BrownoutSerializer(serializers.ModelSerializer[Brownout]):
    """A time in which a deprecated version refuses calls."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Brownout
        fields = ("id", "starts_at", "ends_at", "created_at")


class NewBrownoutSerializer(serializers.Serializer[Any]):
    """When it starts, and for how many minutes."""

    starts_at = serializers.DateTimeField()
    minutes = serializers.IntegerField(min_value=1, max_value=1440)


class DeprecationNoticeSerializer(serializers.ModelSerializer[DeprecationNotice]):
    """An application that was told of a deprecation, and whether its team has taken note."""

    application = serializers.CharField(source="application.public_id")
    application_name = serializers.CharField(source="application.name")
    team = serializers.CharField(source="application.team.name")

    class Meta:
        model = DeprecationNotice
        fields = ("application", "application_name", "team", "calls_30_days", "told_at", "acknowledged_at")


class AcknowledgeSerializer(serializers.Serializer[Any]):
    """The application whose team takes note."""

    application = serializers.CharField(max_length=60)


class MessageSerializer(serializers.Serializer[Any]):
    """What to write to those who use a version."""

    text = serializers.CharField(max_length=4000)


class SentSerializer(serializers.Serializer[Any]):
    """To how many applications' teams a message went."""

    applications = serializers.IntegerField()


class OfVersion(PublicViewSet):
    """What belongs to the version of the URL."""

    @property
    def version(self) -> ApiVersion:
        """Return the version, or 404."""
        found = visible_versions(self.actor).filter(public_id=self.kwargs["version"]).first()
        if found is None:
            raise NotFound("There is no such version.")
        return found

    @property
    def my_version(self) -> ApiVersion:
        """Return the version of one's own team, or 404."""
        version = self.version
        require_permission(actor=self.actor, team=version.api.team, permission="team.view")
        return version


class PlannedMoveViewSet(OfVersion):
    """The moves of a version that are planned, and what became of those that were."""

    permissions: ClassVar = {"list": "team.view", "create": "apis.publish", "destroy": "apis.publish"}
    serializer_class = PlannedMoveSerializer
    queryset = PlannedMove.objects.none()

    def get_queryset(self) -> Any:
        """Return the version's planned moves."""
        return self.my_version.planned_moves.select_related("version__api__team")

    @extend_schema(request=NewPlannedMoveSerializer, responses={201: PlannedMoveSerializer})
    def create(self, request: Request, version: str) -> Response:
        """Plan a publication or a retirement."""
        body = self.body(NewPlannedMoveSerializer)
        if body["name"] == "publish":
            body = {"name": body["name"], "at": body["at"]}
        return self.answer(plan_move(version=self.my_version, actor=self.actor, **body), status=201)

    def destroy(self, request: Request, version: str, public_id: str) -> Response:
        """Cancel a planned move."""
        cancel_planned_move(planned=self.get_object(), actor=self.actor)
        return Response(status=204)


class BrownoutViewSet(OfVersion):
    """The brownouts of a deprecated version; whoever may see the version may know them."""

    permissions: ClassVar = {"list": "signed_in", "create": "apis.publish", "destroy": "apis.publish"}
    serializer_class = BrownoutSerializer
    queryset = Brownout.objects.none()

    def get_queryset(self) -> Any:
        """Return the version's brownouts."""
        return self.version.brownouts.select_related("version__api__team")

    @extend_schema(request=NewBrownoutSerializer, responses={201: BrownoutSerializer})
    def create(self, request: Request, version: str) -> Response:
        """Plan a brownout; those who use the version are told at once."""
        body = self.body(NewBrownoutSerializer)
        return self.answer(plan_brownout(version=self.version, actor=self.actor, **body), status=201)

    def destroy(self, request: Request, version: str, public_id: str) -> Response:
        """Cancel a brownout, or end one under way."""
        cancel_brownout(brownout=self.get_object(), actor=self.actor)
        return Response(status=204)


class DeprecationNoticeViewSet(OfVersion):
    """Who was told of a version's deprecation, and who took note."""

    permissions: ClassVar = {"list": "team.view", "acknowledge": "applications.manage", "write": "apis.publish"}
    serializer_class = DeprecationNoticeSerializer
    queryset = DeprecationNotice.objects.none()

    def get_queryset(self) -> Any:
        """Return the notices of one's own team's version."""
        return self.my_version.deprecation_notices.select_related("application__team")

    @extend_schema(request=AcknowledgeSerializer, responses=DeprecationNoticeSerializer)
    def acknowledge(self, request: Request, version: str) -> Response:
        """Take note for one of one's own applications."""
        application = application_for(self.actor, self.body(AcknowledgeSerializer)["application"])
        return self.answer(acknowledge_deprecation(version=self.version, application=application, actor=self.actor))

    @extend_schema(request=MessageSerializer, responses=SentSerializer)
    def write(self, request: Request, version: str) -> Response:
        """Write to everybody who still uses the version."""
        count = write_to_callers(version=self.version, actor=self.actor, **self.body(MessageSerializer))
        return Response({"applications": count})
