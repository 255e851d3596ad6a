"""Manifests over REST: the format's schema, export, plan, apply, the log of applies."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import TooLarge
from common.rest import PublicViewSet
from manifests.exporting import export_manifests
from manifests.models import ManifestApply
from manifests.plan import Plan
from manifests.reading import MAX_BYTES, format_schema, read_manifests
from manifests.rest import serializers as forms
from manifests.rest.formats import FilesRenderer, YamlParser, YamlRenderer, ZipRenderer
from manifests.selectors import applies_for
from manifests.services.applying import Options, apply_manifests, plan_manifests
from teams.models import User

# JSON escapes line ends and quotes: files within the limit may be longer in a body.
MAX_BODY_BYTES = 2 * MAX_BYTES


class SchemaView(APIView):
    """The JSON Schema of the format, for editors."""

    permission = "signed_in"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Answer the schema of one document."""
        return Response(format_schema())


class ExportView(APIView):
    """Objects as manifests."""

    permission = "signed_in"
    renderer_classes = (YamlRenderer, FilesRenderer, ZipRenderer)

    @extend_schema(
        parameters=[
            OpenApiParameter("team", str, description="A team's slug; without one what is the platform's."),
            OpenApiParameter("kind", str, many=True, description="Only these kinds."),
        ],
        responses={(200, "application/yaml"): OpenApiTypes.STR, (200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> Response:
        """Answer a team's objects, or the platform's, in a stable order and form."""
        query = request.query_params
        actor = cast(User, request.user)
        return Response(export_manifests(actor=actor, team=query.get("team", ""), kinds=query.getlist("kind")))


class ManifestsViewSet(PublicViewSet):
    """Plans and applies."""

    permissions: ClassVar = {
        "plan": "signed_in", "apply": "signed_in", "list": "signed_in", "retrieve": "signed_in",
    }  # fmt: skip
    parser_classes = (JSONParser, YamlParser)
    serializer_class = forms.ManifestApplySerializer
    queryset = ManifestApply.objects.none()

    def get_queryset(self) -> Any:
        """Return the applies to be seen."""
        return applies_for(self.actor)

    @extend_schema(request=forms.ManifestsSerializer, responses=forms.ManifestPlanSerializer)
    def plan(self, request: Request) -> Response:
        """Answer what an apply would do: fields, moves, whom they hit, what is refused and why. Nothing is changed."""
        form = self._form(forms.ManifestsSerializer)
        plan = plan_manifests(manifests=_manifests(form), actor=self.actor, options=_options(form))
        return Response(plan.as_json())

    @extend_schema(
        request=forms.ManifestsToApplySerializer,
        responses={200: forms.ManifestPlanSerializer, 409: forms.ManifestPlanSerializer},
    )
    def apply(self, request: Request) -> Response:
        """Bring each object to its manifest; 409 with the plan when one is refused, and then nothing was done."""
        form = self._form(forms.ManifestsToApplySerializer)
        plan = apply_manifests(manifests=_manifests(form), actor=self.actor, options=_options(form))
        return Response(plan.as_json(), status=_status(plan))

    def _form(self, serializer: Any) -> dict[str, Any]:
        length = self.request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise TooLarge(f"The body has {int(length) / 1024**2:.0f} MB: apply the files in parts.")
        return self.body(serializer)


def _manifests(form: dict[str, Any]) -> Any:
    files = form.get("files") or ({"manifests.yaml": form["text"]} if "text" in form else None)
    return read_manifests(files=files, objects=form.get("objects"), secrets=form.get("secrets"))


def _options(form: dict[str, Any]) -> Options:
    return Options(
        source=form.get("source", ""), prunes=form["prune"], takes_over=form["take_over"],
        keeps_going=form.get("keep_going", False), plan_hash=form.get("plan", ""),
    )  # fmt: skip


def _status(plan: Plan) -> int:
    return 200 if plan.is_applied else 409
