"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from usage.rest.dependencies import DependencyViewSet
from usage.rest.views import CallView, CostReportViewSet, ServiceLevelView, UsageView

urlpatterns = [
    path("versions/<str:public_id>/service-level", ServiceLevelView.as_view(), name="service-level"),
    path("usage", UsageView.as_view(), name="usage"),
    path("dependencies", DependencyViewSet.as_view({"get": "list"}), name="dependencies"),
    path("calls/<str:call_id>", CallView.as_view(), name="call"),
    path("cost-reports", CostReportViewSet.as_view({"get": "list"}), name="cost-reports"),
    path("cost-reports/<str:public_id>", CostReportViewSet.as_view({"get": "retrieve"}), name="cost-report"),
]
