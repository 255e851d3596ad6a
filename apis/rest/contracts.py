"""APIs, their versions, revisions and imports over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apis.design.document import MAX_DOCUMENT_BYTES
from apis.models import Api, ApiVersion, ImportJob
from apis.rest import filters
from apis.rest import serializers as forms
from apis.selectors import (
    available_moves,
    impact_of,
    served_document,
    visible_apis,
    visible_versions,
)
from apis.selectors.overlays import read_environment
from apis.services.blocking import block_version, lift_block
from apis.services.contracts import create_api, delete_api, update_api
from apis.services.deprecation import deprecate_version, undo_deprecation
from apis.services.imports import import_document
from apis.services.keys import get_key
from apis.services.preview import end_preview, list_for_preview, start_preview
from apis.services.publishing import publish_version
from apis.services.retirement import archive_version, restore_version, retire_version
from apis.services.reviews import reopen_draft, submit_for_review, withdraw_from_review
from apis.services.versions import create_version
from common.errors import Invalid, NotFound, TooLarge
from common.rest import PublicViewSet, once_only
from teams.models import Application, Team, User
from teams.roles import require_permission, teams_of
from teams.selectors import team_for

# JSON escapes quotes and line ends: a document within the limit may be up to twice as long in a body.
MAX_BODY_BYTES = 2 * MAX_DOCUMENT_BYTES + 64 * 1024


def refuse_long_body(request: Request) -> None:
    """Raise TooLarge, before it is read, for a body that cannot hold a document within the limit."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        limit = MAX_DOCUMENT_BYTES // 1024**2
        raise TooLarge(f"The body has {int(length) / 1024**2:.0f} MB; a document has at most {limit} MB.")


class ApiViewSet(PublicViewSet):
    """The APIs one may see."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "apis.design", "retrieve": "signed_in", "partial_update": "apis.manage",
        "destroy": "apis.manage",
    }  # fmt: skip
    serializer_class = forms.ApiSerializer
    filterset_class = filters.ApiFilter
    queryset = Api.objects.none()

    def get_queryset(self) -> Any:
        """Return the APIs to be seen."""
        return visible_apis(self.actor)

    @extend_schema(request=forms.NewApiSerializer, responses={201: forms.ApiSerializer})
    def create(self, request: Request) -> Response:
        """Create an API with an empty draft v1."""
        body = self.body(forms.NewApiSerializer)
        team = team_for(self.actor, body.pop("team"))
        return self.answer(create_api(team=team, actor=self.actor, **body), status=201)

    @extend_schema(request=forms.ApiChangeSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change an API, or whom it is shared with."""
        api = self.matched()
        body = self.body(forms.ApiChangeSerializer)
        if "shared_with" in body:
            body["shared_with"] = _teams(body["shared_with"])
        if "owner" in body:
            body["owner"] = User.objects.filter(public_id=body["owner"], memberships__team__in=api.team.lineage).first()
        return self.answer(update_api(api=api, actor=self.actor, **body))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Delete an API that was never published."""
        delete_api(api=self.matched(), actor=self.actor)
        return Response(status=204)


def _teams(names: list[str]) -> list[Team]:
    found = list(Team.objects.filter(public_id__in=names) | Team.objects.filter(slug__in=names))
    missing = set(names) - {team.public_id for team in found} - {team.slug for team in found}
    if missing:
        raise Invalid(f"There is no team {', '.join(sorted(missing))}.")
    return found


class VersionViewSet(PublicViewSet):
    """The versions one may see, and their moves."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "apis.design", "retrieve": "signed_in", "document": "signed_in",
        "moves": "team.view", "impact": "team.view", "key": "keys.manage", "submit": "apis.design",
        "withdraw": "apis.design", "reopen": "apis.publish", "publish": "apis.publish",
        "deprecate": "apis.publish", "undo_deprecation": "apis.publish", "retire": "apis.publish",
        "restore": "apis.publish", "archive": "apis.publish", "preview": "apis.publish",
        "end_preview": "apis.publish", "block": "apis.publish", "lift_block": "apis.publish",
    }  # fmt: skip
    serializer_class = forms.VersionSerializer
    filterset_class = filters.VersionFilter
    queryset = ApiVersion.objects.none()

    def get_queryset(self) -> Any:
        """Return the versions to be seen."""
        rows = visible_versions(self.actor).select_related("successor")
        return rows.filter(api__public_id=self.kwargs["api"]) if "api" in self.kwargs else rows

    @extend_schema(request=forms.NewVersionSerializer, responses={201: forms.VersionSerializer})
    def create(self, request: Request, api: str) -> Response:
        """Make a further version."""
        found = visible_apis(self.actor).filter(public_id=api).first()
        if found is None:
            raise NotFound("There is no such API.")
        body = self.body(forms.NewVersionSerializer)
        source = None
        if name := body.pop("copy_from", None):
            source = visible_versions(self.actor).filter(api=found, public_id=name).first()
            if source is None:
                raise NotFound("There is no such version to copy from.")
        return self.answer(create_version(api=found, actor=self.actor, copy_from=source, **body), status=201)

    @extend_schema(
        parameters=[OpenApiParameter("environment", OpenApiTypes.STR, description="Its slug; production by default.")],
        responses=OpenApiTypes.OBJECT,
    )
    def document(self, request: Request, public_id: str) -> Response:
        """Answer the version's OpenAPI 3.1 document as callers of an environment use it: the gateway is its server."""
        version = self.get_object()
        document = served_document(version, read_environment(request.query_params.get("environment", "")))
        if not document:
            raise NotFound("This version has no document yet.")
        return Response(document)

    @extend_schema(responses=forms.MoveSerializer(many=True))
    def moves(self, request: Request, public_id: str) -> Response:
        """Answer the moves out of the version's state, each with its guard's answer."""
        version = self._mine()
        return Response([asdict(move) for move in available_moves(version, self.actor)])

    @extend_schema(responses=forms.ImpactSerializer)
    def impact(self, request: Request, public_id: str) -> Response:
        """Answer who is hit by a move of the version."""
        return Response(forms.ImpactSerializer(impact_of(self._mine())).data)

    def _mine(self) -> ApiVersion:
        version: ApiVersion = self.get_object()
        require_permission(actor=self.actor, team=version.api.team, permission="team.view")
        return version

    @extend_schema(request=forms.KeyRequestSerializer, responses={201: forms.KeyGrantSerializer})
    def key(self, request: Request, public_id: str) -> Response:
        """Give application, subscription and key in one step."""
        version = self.get_object()
        body = self.body(forms.KeyRequestSerializer)
        if "team" in body:
            body["team"] = team_for(self.actor, body["team"])
        if "plan" in body:
            body["plan"] = version.api.plans.filter(public_id=body["plan"]).first()
            if body["plan"] is None:
                raise NotFound("There is no such plan of this API.")
        grant = get_key(version=version, actor=self.actor, **body)
        return once_only(Response(forms.KeyGrantSerializer(grant).data, status=201))

    @extend_schema(request=None)
    def submit(self, request: Request, public_id: str) -> Response:
        """Send the draft for review."""
        return self.answer(submit_for_review(version=self.matched(), actor=self.actor))

    @extend_schema(request=None)
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take the version out of review."""
        return self.answer(withdraw_from_review(version=self.matched(), actor=self.actor))

    @extend_schema(request=None)
    def reopen(self, request: Request, public_id: str) -> Response:
        """Take an approved version back to draft."""
        return self.answer(reopen_draft(version=self.matched(), actor=self.actor))

    @extend_schema(request=forms.PublishVersionSerializer)
    def publish(self, request: Request, public_id: str) -> Response:
        """Publish the version; where the team asks for no approval it walks every move."""
        version, revision = self.matched(), None
        if meant := self.body(forms.PublishVersionSerializer).get("revision"):
            revision = version.revisions.filter(public_id=meant).first()
            if revision is None:
                raise NotFound("There is no such revision of this version.")
        return self.answer(publish_version(version=version, revision=revision, actor=self.actor))

    @extend_schema(request=forms.DeprecateSerializer)
    def deprecate(self, request: Request, public_id: str) -> Response:
        """Deprecate the version."""
        version = self.matched()
        body = self.body(forms.DeprecateSerializer)
        if body["successor"]:
            body["successor"] = visible_versions(self.actor).filter(public_id=body["successor"]).first()
            if body["successor"] is None:
                raise NotFound("There is no such successor.")
        return self.answer(deprecate_version(version=version, actor=self.actor, **body))

    @extend_schema(request=None)
    def undo_deprecation(self, request: Request, public_id: str) -> Response:
        """Take the deprecation back."""
        return self.answer(undo_deprecation(version=self.matched(), actor=self.actor))

    @extend_schema(request=forms.RetireSerializer)
    def retire(self, request: Request, public_id: str) -> Response:
        """Retire the version."""
        version = self.matched()
        return self.answer(retire_version(version=version, actor=self.actor, **self.body(forms.RetireSerializer)))

    @extend_schema(request=None)
    def restore(self, request: Request, public_id: str) -> Response:
        """Bring a retired version back to deprecated."""
        return self.answer(restore_version(version=self.matched(), actor=self.actor))

    @extend_schema(request=None)
    def archive(self, request: Request, public_id: str) -> Response:
        """Archive a retired version for ever."""
        return self.answer(archive_version(version=self.matched(), actor=self.actor))

    @extend_schema(request=forms.PreviewSerializer)
    def preview(self, request: Request, public_id: str) -> Response:
        """Route the version for the listed applications alone; of one in preview, change the list."""
        version = self.matched()
        applications = _applications(self.body(forms.PreviewSerializer)["applications"])
        change = list_for_preview if version.state == "preview" else start_preview
        return self.answer(change(version=version, actor=self.actor, applications=applications))

    @extend_schema(request=None)
    def end_preview(self, request: Request, public_id: str) -> Response:
        """Take a preview back to draft."""
        return self.answer(end_preview(version=self.matched(), actor=self.actor))

    @extend_schema(request=forms.BlockSerializer)
    def block(self, request: Request, public_id: str) -> Response:
        """Refuse every call with 503 until the block is lifted."""
        return self.answer(block_version(version=self.matched(), actor=self.actor, **self.body(forms.BlockSerializer)))

    @extend_schema(request=None)
    def lift_block(self, request: Request, public_id: str) -> Response:
        """Serve calls again."""
        return self.answer(lift_block(version=self.matched(), actor=self.actor))


def _applications(names: list[str]) -> list[Application]:
    found = list(Application.objects.filter(public_id__in=names))
    missing = set(names) - {application.public_id for application in found}
    if missing:
        detail = f"There is no application {', '.join(sorted(missing))}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/applications"}])
    return found


class ImportViewSet(PublicViewSet):
    """Imports of one's teams."""

    permissions: ClassVar = {"list": "team.view", "create": "apis.design", "retrieve": "team.view"}
    serializer_class = forms.ImportSerializer
    filterset_class = filters.ImportFilter
    queryset = ImportJob.objects.none()

    def get_queryset(self) -> Any:
        """Return the imports to be seen."""
        mine = ImportJob.objects.filter(team__in=teams_of(self.actor).values("pk"))
        return mine.select_related("team", "api", "version").defer("source")

    @extend_schema(request=forms.NewImportSerializer, responses={201: forms.ImportSerializer})
    def create(self, request: Request) -> Response:
        """Import a document as a new API: done at once when small, else in the background (202)."""
        refuse_long_body(request)
        body = self.body(forms.NewImportSerializer)
        team = team_for(self.actor, body.pop("team"))
        if uploaded := body.pop("file", None):
            body["source"] = uploaded.read()
        job = import_document(actor=self.actor, team=team, **body)
        return self.answer(job, status=201 if job.state == ImportJob.State.DONE else 202)
