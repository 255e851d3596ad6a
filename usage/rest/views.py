"""Usage, calls and cost reports, read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apis.selectors import visible_versions
from common.errors import NotFound
from teams.models import User
from usage.models import CostReport
from usage.rest.filters import CostReportFilter
from usage.rest.renderers import CsvRenderer, CsvTable
from usage.rest.serializers import (
    CallSerializer,
    CostReportDetailSerializer,
    CostReportSerializer,
    LineSerializer,
    ServiceLevelSerializer,
    UsageQuery,
    UsageSerializer,
)
from usage.selectors import (
    call_by_id,
    freshness,
    measured_level,
    report_for,
    reports_for,
    scope_for,
    sight_of,
    summary,
    unknown_call_sentence,
)


def person(request: Request) -> User:
    """Return who asks; the permission has made sure that somebody does."""
    return cast(User, request.user)


class UsageView(APIView):
    """The numbers of a range: of one version, application or team, else of all that one's teams make or provide."""

    permission = "team.view"
    renderer_classes = (JSONRenderer, CsvRenderer)

    @extend_schema(parameters=[UsageQuery], responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Answer totals and one point per interval."""
        query = UsageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        scope = scope_for(
            person(request), version=wanted["version"], application=wanted["application"], team=wanted["team"]
        )
        found = summary(scope, wanted["since"], wanted["until"], interval=wanted["interval"])
        return Response(UsageSerializer(found).data)

    def csv_table(self, data: Mapping[str, Any]) -> CsvTable:
        """Return a row per interval."""
        return ["at", *data["totals"]], [{"at": point["at"], **point["numbers"]} for point in data["points"]]


class ServiceLevelView(APIView):
    """What a version's callers met in the last 30 days, to everybody who sees the version."""

    permission = "signed_in"

    @extend_schema(responses=ServiceLevelSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """Answer availability and latency; null while fewer than 1,000 calls count."""
        version = visible_versions(person(request)).filter(public_id=public_id).first()
        if version is None:
            raise NotFound("There is no such version, or it is not shared with you.")
        return Response(ServiceLevelSerializer(measured_level(version)).data)


class CallView(APIView):
    """One call explained, to its caller's and its API's team; a refusal of nobody known to whoever has the id."""

    permission = "signed_in"

    @extend_schema(responses=CallSerializer)
    def get(self, request: Request, call_id: str) -> Response:
        """Answer the explanation."""
        call = call_by_id(call_id, person(request))
        if call is None:
            raise NotFound(unknown_call_sentence(freshness()))
        return Response(CallSerializer(call).data)


class CostReportViewSet(viewsets.ReadOnlyModelViewSet):
    """Cost reports of one's teams, a team and UTC month each."""

    permissions: ClassVar[dict[str, str]] = {"list": "costs.view", "retrieve": "costs.view"}
    renderer_classes = (JSONRenderer, CsvRenderer)
    filterset_class = CostReportFilter
    lookup_field = "public_id"
    queryset = CostReport.objects.none()

    def get_queryset(self) -> QuerySet[CostReport]:
        """Return the reports to be seen."""
        return reports_for(person(self.request))

    def get_object(self) -> CostReport:
        """Return one report."""
        return report_for(person(self.request), self.kwargs["public_id"])

    def get_serializer_class(self) -> type[CostReportSerializer]:
        """Return the form with lines for one report."""
        return CostReportDetailSerializer if self.action == "retrieve" else CostReportSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        """Add what the person may see."""
        return {**super().get_serializer_context(), "sight": sight_of(person(self.request))}

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer one report with its lines."""
        report = self.get_object()
        response = Response(self.get_serializer(report).data)
        response["ETag"] = f'"{report.content_hash[:20]}-{report.as_of.timestamp():.0f}"'
        return response

    def csv_table(self, data: Mapping[str, Any]) -> CsvTable:
        """Return the lines of one report, or a row per report."""
        if self.action == "retrieve":
            return LineSerializer().fields, data["lines"]
        return CostReportSerializer.Meta.fields, data["results"]
