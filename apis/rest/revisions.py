"""Endpoints of revisions: the working copy, its verdicts, what it changes, its release and the way back."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apis.diff import verdict
from apis.models import ApiVersion, Revision
from apis.rest import serializers as forms
from apis.rest.contracts import refuse_long_body
from apis.selectors import visible_versions
from apis.selectors.gate import changes_between, gate_of
from apis.services.documents import finding_json, save_draft
from apis.services.releases import move_to_next_version, release_revision, roll_back, waive_change
from apis.services.reviews import review_revision
from apis.services.revisions import discard_draft, start_revision
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.roles import teams_of


class RevisionViewSet(PublicViewSet):
    """The revisions of own teams' versions: text, upstream and limits are their team's alone."""

    permissions: ClassVar = {
        "list": "team.view", "retrieve": "team.view", "update": "apis.design", "review": "apis.review",
        "changes": "team.view", "create": "apis.design", "destroy": "apis.design", "gate": "team.view",
        "release": "apis.publish", "roll_back": "apis.publish", "next_version": "apis.design", "waive": "apis.waive",
        "releases": "signed_in",
    }  # fmt: skip
    serializer_class = forms.RevisionDetailSerializer
    queryset = Revision.objects.none()

    def get_queryset(self) -> Any:
        """Return the revisions to be seen."""
        rows = Revision.objects.select_related("version__api__team", "author")
        rows = rows.filter(version__api__team__in=teams_of(self.actor).values("pk"))
        if "version" in self.kwargs:
            rows = rows.filter(version__public_id=self.kwargs["version"]).defer("document", "source")
        return rows

    def get_serializer_class(self) -> Any:
        """Return the short form for lists."""
        return forms.RevisionSerializer if self.action == "list" else forms.RevisionDetailSerializer

    @extend_schema(request=None, responses={201: forms.RevisionDetailSerializer})
    def create(self, request: Request, version: str) -> Response:
        """Start the working copy of a served version, from what is current; the one there is when there is one."""
        return self.answer(start_revision(version=self._version(version), actor=self.actor), status=201)

    def destroy(self, request: Request, public_id: str) -> Response:
        """Discard the working copy of a served version."""
        discard_draft(revision=self.matched(), actor=self.actor)
        return Response(status=204)

    @extend_schema(responses=forms.ReleaseSerializer(many=True))
    def releases(self, request: Request, version: str) -> Response:
        """List what became current in a version, the newest first: its changelog."""
        found = visible_versions(self.actor).filter(public_id=version).first()
        if found is None:
            raise NotFound("There is no such version.")
        rows = found.releases.select_related("revision", "previous", "actor")
        return self.get_paginated_response(forms.ReleaseSerializer(self.paginate_queryset(rows), many=True).data)

    def _version(self, public_id: str) -> ApiVersion:
        rows = ApiVersion.objects.select_related("api__team").filter(api__team__in=teams_of(self.actor).values("pk"))
        found = rows.filter(public_id=public_id).first()
        if found is None:
            raise NotFound("There is no such version, or it is not your team's.")
        return found

    @extend_schema(request=forms.DraftSerializer)
    def update(self, request: Request, public_id: str) -> Response:
        """Save the working copy; a text with errors is kept, and `problems` lists them."""
        refuse_long_body(request)
        revision = self.get_object()
        body = self.body(forms.DraftSerializer)
        saved = save_draft(
            revision=revision, actor=self.actor, if_match=request.headers.get("If-Match"),
            source=body.pop("source", None), **body,
        )  # fmt: skip
        response = self.answer(saved.revision)
        problems = [finding_json(finding) for finding in saved.findings if finding.severity == "error"]
        response.data["problems"] = problems
        return response

    @extend_schema(
        parameters=[OpenApiParameter("since", OpenApiTypes.STR, required=True, description="The earlier revision.")],
        responses=forms.ChangesSerializer,
    )
    def changes(self, request: Request, public_id: str) -> Response:
        """Tell what changed since another revision of the same API, and whom it breaks."""
        revision = self.get_object()
        since = request.query_params.get("since", "")
        earlier = self.get_queryset().filter(version__api=revision.version.api, public_id=since).first()
        if earlier is None:
            raise NotFound(f"{since[:60]!r} is no revision of this API. Name an earlier one: ?since=rev_…")
        findings = changes_between(earlier, revision)
        return Response(forms.ChangesSerializer({"level": verdict(findings), "changes": findings}).data)

    @extend_schema(responses=forms.GateSerializer)
    def gate(self, request: Request, public_id: str) -> Response:
        """Tell what releasing the revision would change for callers, whom it hits, and what is in the way."""
        return Response(forms.GateSerializer(gate_of(self.get_object())).data)

    @extend_schema(request=forms.NewReleaseSerializer, responses={201: forms.ReleaseSerializer})
    def release(self, request: Request, public_id: str) -> Response:
        """Make the revision current, through the diff gate."""
        release = release_revision(revision=self.matched(), actor=self.actor, **self.body(forms.NewReleaseSerializer))
        return Response(forms.ReleaseSerializer(release).data, status=201)

    @extend_schema(request=forms.RollBackSerializer, responses={201: forms.ReleaseSerializer})
    def roll_back(self, request: Request, public_id: str) -> Response:
        """Make an earlier revision current again."""
        release = roll_back(revision=self.matched(), actor=self.actor, **self.body(forms.RollBackSerializer))
        return Response(forms.ReleaseSerializer(release).data, status=201)

    @extend_schema(request=None, responses={201: forms.VersionSerializer})
    def next_version(self, request: Request, public_id: str) -> Response:
        """Take the draft out of its version: the next version starts with it."""
        version = move_to_next_version(revision=self.matched(), actor=self.actor)
        return Response(forms.VersionSerializer(version).data, status=201)

    @extend_schema(request=forms.WaiverSerializer, responses={201: forms.WaiverSerializer})
    def waive(self, request: Request, public_id: str) -> Response:
        """Allow one breaking change of the revision inside its version."""
        waiver = waive_change(revision=self.matched(), actor=self.actor, **self.body(forms.WaiverSerializer))
        return Response(forms.WaiverSerializer(waiver).data, status=201)

    @extend_schema(request=forms.ReviewSerializer, responses={201: forms.ReviewSerializer})
    def review(self, request: Request, public_id: str) -> Response:
        """Give a verdict; never the author."""
        revision = self.matched()
        body = self.body(forms.ReviewSerializer)
        review = review_revision(revision=revision, actor=self.actor, **body)
        return Response(forms.ReviewSerializer(review).data, status=201)
