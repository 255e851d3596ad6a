"""Endpoints of environments, deployments and trials."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import Canary, Deployment, Environment, Revision
from apis.rest.farewell import OfVersion
from apis.services.canaries import change_canary, end_canary, start_canary
from apis.services.environments import create_environment, promote_revision, undeploy
from common.errors import NotFound
from common.rest import PublicViewSet


class EnvironmentSerializer(serializers.ModelSerializer[Environment]):
    """An environment; `production` is always there."""

    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)

    class Meta:
        model = Environment
        fields = ("slug", "name")


class EnvironmentViewSet(PublicViewSet):
    """The environments of the installation."""

    permissions: ClassVar = {"list": "signed_in", "create": "platform.admin"}
    serializer_class = EnvironmentSerializer
    queryset = Environment.objects.all()

    @extend_schema(responses={201: EnvironmentSerializer})
    def create(self, request: Request) -> Response:
        """Add an environment."""
        made = create_environment(actor=self.actor, **self.body(EnvironmentSerializer))
        return Response(EnvironmentSerializer(made).data, status=201)


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """What keys of an environment reach."""

    environment = serializers.CharField(source="environment.slug")
    revision = serializers.CharField(source="revision.public_id")
    number = serializers.IntegerField(source="revision.number")

    class Meta:
        model = Deployment
        fields = ("environment", "revision", "number", "upstream_url", "deployed_at")


class NewDeploymentSerializer(serializers.Serializer[Any]):
    """Which revision goes where; `upstream_url` stands for the revision's own."""

    environment = serializers.CharField(max_length=40)
    revision = serializers.CharField(max_length=60)
    upstream_url = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class DeploymentViewSet(OfVersion):
    """What is deployed of a version of one's own team."""

    permissions: ClassVar = {"list": "team.view", "create": "apis.publish", "destroy": "apis.publish"}
    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()

    def get_queryset(self) -> Any:
        """Return the version's deployments."""
        return self.my_version.deployments.select_related("environment", "revision")

    @extend_schema(request=NewDeploymentSerializer, responses={201: DeploymentSerializer})
    def create(self, request: Request, version: str) -> Response:
        """Point an environment at a frozen revision."""
        body = self.body(NewDeploymentSerializer)
        found = self.my_version
        revision = Revision.objects.filter(version=found, public_id=body["revision"]).first()
        environment = Environment.objects.filter(slug=body["environment"]).first()
        if revision is None or environment is None:
            raise NotFound("There is no such revision of this version, or no such environment.")
        revision.version = found
        made = promote_revision(
            revision=revision, environment=environment, upstream_url=body["upstream_url"], actor=self.actor
        )
        return Response(DeploymentSerializer(made).data, status=201)

    def destroy(self, request: Request, version: str, environment: str) -> Response:
        """Take the version out of an environment."""
        row = self.get_queryset().filter(environment__slug=environment).first()
        if row is None:
            raise NotFound("Nothing is deployed there.")
        undeploy(deployment=row, actor=self.actor)
        return Response(status=204)


class CanarySerializer(serializers.ModelSerializer[Canary]):
    """A trial of a revision beside the current one."""

    revision = serializers.CharField(source="revision.public_id", read_only=True)

    class Meta:
        model = Canary
        fields = (
            "revision", "state", "percent", "header", "header_value", "max_error_percent", "started_at", "ended_at",
            "outcome",
        )  # fmt: skip


class NewCanarySerializer(serializers.Serializer[Any]):
    """Which revision is tried by whom; `accepted` are the keys of risky changes that were looked at."""

    revision = serializers.CharField(max_length=60)
    percent = serializers.FloatField(required=False, default=0)
    header = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)
    header_value = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    max_error_percent = serializers.FloatField(required=False, default=10)
    accepted = serializers.ListField(child=serializers.CharField(max_length=40), required=False, default=list)


class ShareSerializer(serializers.Serializer[Any]):
    """A new share."""

    percent = serializers.FloatField()


class CanaryViewSet(OfVersion):
    """The trial of a version: at most one runs."""

    permissions: ClassVar = {
        "retrieve": "team.view", "create": "apis.publish", "partial_update": "apis.publish", "destroy": "apis.publish",
    }  # fmt: skip
    serializer_class = CanarySerializer
    queryset = Canary.objects.none()

    def get_object(self) -> Canary:
        """Return the trial that runs, else the last one; raise NotFound without any."""
        rows = self.my_version.canaries.select_related("revision", "version__api__team")
        found = rows.filter(state=Canary.State.RUNNING).first() or rows.first()
        if found is None:
            raise NotFound("No revision of this version was tried.")
        return found

    def retrieve(self, request: Request, version: str) -> Response:
        """Answer the trial that runs, else the last one."""
        return Response(CanarySerializer(self.get_object()).data)

    @extend_schema(request=NewCanarySerializer, responses={201: CanarySerializer})
    def create(self, request: Request, version: str) -> Response:
        """Start a trial of an approved revision."""
        body = self.body(NewCanarySerializer)
        found = self.my_version
        revision = Revision.objects.filter(version=found, public_id=body.pop("revision")).first()
        if revision is None:
            raise NotFound("There is no such revision of this version.")
        revision.version = found
        return Response(CanarySerializer(start_canary(revision=revision, actor=self.actor, **body)).data, status=201)

    @extend_schema(request=ShareSerializer)
    def partial_update(self, request: Request, version: str) -> Response:
        """Change the share."""
        percent = self.body(ShareSerializer)["percent"]
        changed = change_canary(canary=self.get_object(), percent=percent, actor=self.actor)
        return Response(CanarySerializer(changed).data)

    def destroy(self, request: Request, version: str) -> Response:
        """End the trial."""
        end_canary(canary=self.get_object(), actor=self.actor)
        return Response(status=204)
