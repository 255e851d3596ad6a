"""Endpoints of overlays: those of a version, their order, what a document becomes under them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.design.overlays import MAX_OVERLAY_BYTES
from apis.models import Environment, Overlay
from apis.rest.farewell import OfVersion
from apis.selectors.overlays import overlay_document, overlays_in, read_environment
from apis.selectors.versions import callers_document, revision_in
from apis.services.documents import finding_json
from apis.services.overlays import MOST_OVERLAYS, create_overlay, delete_overlay, order_overlays, update_overlay
from common.errors import Invalid, NotFound


class OverlaySerializer(serializers.ModelSerializer[Overlay]):
    """An overlay of a version; `environments` are slugs, empty for all. `source` is JSON or YAML."""

    id = serializers.CharField(source="public_id", read_only=True)
    environments: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", many=True, read_only=True
    )

    class Meta:
        model = Overlay
        fields = ("id", "name", "position", "is_enabled", "environments", "source", "created_at", "updated_at")


class NewOverlaySerializer(serializers.Serializer[Any]):
    """A new overlay: it comes after those there are."""

    name = serializers.CharField(max_length=60)
    source = serializers.CharField(max_length=MAX_OVERLAY_BYTES, trim_whitespace=False)  # type: ignore[assignment]
    environments = serializers.ListField(child=serializers.CharField(max_length=40), required=False, default=list)
    is_enabled = serializers.BooleanField(required=False, default=True)


class OverlayChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of an overlay."""

    name = serializers.CharField(max_length=60, required=False)
    source = serializers.CharField(max_length=MAX_OVERLAY_BYTES, trim_whitespace=False, required=False)  # type: ignore[assignment]
    environments = serializers.ListField(child=serializers.CharField(max_length=40), required=False)
    is_enabled = serializers.BooleanField(required=False)


class OverlayOrderSerializer(serializers.Serializer[Any]):
    """The ids of all overlays of the version, in the order in which they are applied."""

    order = serializers.ListField(child=serializers.CharField(max_length=60), max_length=MOST_OVERLAYS)


class OverlayFindingSerializer(serializers.Serializer[Any]):
    """What an action could not do, or did not hit; `pointer` is that of the action."""

    detail = serializers.CharField()
    pointer = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    rule = serializers.CharField()
    severity = serializers.CharField()


class OverlayFindingsSerializer(serializers.Serializer[Any]):
    """The findings of one overlay."""

    overlay = serializers.CharField(help_text="Its id.")
    name = serializers.CharField()
    findings = OverlayFindingSerializer(many=True)


class OverlayResultSerializer(serializers.Serializer[Any]):
    """The document of an environment under its overlays, and what is to be said of it."""

    environment = serializers.CharField()
    overlays = OverlayFindingsSerializer(many=True)
    left_out = OverlayFindingSerializer(many=True, help_text="Operations that overlays added and nobody routes.")
    problems = OverlayFindingSerializer(many=True, help_text="What is wrong with the result, not with the design.")
    hidden = serializers.ListField(child=serializers.CharField(), help_text="Operations served, but not shown.")
    document = serializers.JSONField()


class OverlayViewSet(OfVersion):
    """The overlays of a version of one's own team."""

    permissions: ClassVar = {
        "list": "team.view", "retrieve": "team.view", "result": "team.view", "create": "apis.publish",
        "partial_update": "apis.publish", "destroy": "apis.publish", "order": "apis.publish",
    }  # fmt: skip
    serializer_class = OverlaySerializer
    queryset = Overlay.objects.none()

    def get_queryset(self) -> Any:
        """Return the version's overlays."""
        return self.my_version.overlays.prefetch_related("environments").select_related("version__api__team")

    @extend_schema(request=NewOverlaySerializer, responses={201: OverlaySerializer})
    def create(self, request: Request, version: str) -> Response:
        """Add an overlay."""
        body = self.body(NewOverlaySerializer)
        body["environments"] = _environments(body["environments"])
        return self.answer(create_overlay(version=self.my_version, actor=self.actor, **body), status=201)

    @extend_schema(request=OverlayChangeSerializer)
    def partial_update(self, request: Request, version: str, public_id: str) -> Response:
        """Change an overlay; it counts at once."""
        overlay = self.get_object()
        body = self.body(OverlayChangeSerializer)
        if "environments" in body:
            body["environments"] = _environments(body["environments"])
        if_match = request.headers.get("If-Match")
        return self.answer(update_overlay(overlay=overlay, actor=self.actor, if_match=if_match, **body))

    def destroy(self, request: Request, version: str, public_id: str) -> Response:
        """Delete an overlay."""
        delete_overlay(overlay=self.matched(), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=OverlayOrderSerializer, responses=OverlaySerializer(many=True))
    def order(self, request: Request, version: str) -> Response:
        """Put the overlays in an order; the answer is their list."""
        found = self.my_version
        order_overlays(version=found, order=self.body(OverlayOrderSerializer)["order"], actor=self.actor)
        return self.list(request)

    @extend_schema(responses=OverlayResultSerializer)
    def result(self, request: Request, version: str, environment: str) -> Response:
        """Answer the document of an environment under its overlays, and what they did not do."""
        found, slug = self.my_version, read_environment(environment)
        revision = revision_in(found, slug)
        plain = callers_document(found, revision) if revision else {}
        if not plain:
            raise NotFound("This version has no document yet.")
        rows = overlays_in(found, slug)
        done = overlay_document(plain, rows)
        return Response({
            "environment": slug,
            "overlays": [
                {"overlay": row.public_id, "name": row.name, "findings": [finding_json(item) for item in findings]}
                for row, findings in zip(rows, done.findings, strict=True)
            ],
            "left_out": [finding_json(item) for item in done.left_out],
            "problems": [finding_json(item) for item in done.problems()],
            "hidden": [f"{method} {path}" for method, path in done.hidden],
            "document": done.document,
        })  # fmt: skip


def _environments(slugs: list[str]) -> list[Environment]:
    found = list(Environment.objects.filter(slug__in=slugs))
    if missing := set(slugs) - {row.slug for row in found}:
        detail = f"There is no environment {', '.join(sorted(missing))}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/environments"}])
    return found
