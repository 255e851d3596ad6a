"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from manifests.rest.views import ExportView, ManifestsViewSet, SchemaView

urlpatterns = [
    path("manifests", ExportView.as_view(), name="manifests"),
    path("manifests/schema", SchemaView.as_view(), name="manifests-schema"),
    path("manifests/plan", ManifestsViewSet.as_view({"post": "plan"}), name="manifests-plan"),
    path("manifests/apply", ManifestsViewSet.as_view({"post": "apply"}), name="manifests-apply"),
    path("manifests/applies", ManifestsViewSet.as_view({"get": "list"}), name="manifest-applies"),
    path("manifests/applies/<str:public_id>", ManifestsViewSet.as_view({"get": "retrieve"}), name="manifest-apply"),
]
