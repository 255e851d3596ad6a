"""The REST API: each app contributes its own `rest/urls.py`."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

app_name = "api"
urlpatterns = [
    path("openapi.json", SpectacularAPIView.as_view(permission_classes=[]), name="openapi"),
    path("", include("teams.rest.urls")),
    path("", include("providers.rest.urls")),
    path("", include("apis.rest.urls")),
    path("", include("prompts.rest.urls")),
    path("", include("usage.rest.urls")),
    path("", include("gateway.control.rest.urls")),
    path("", include("manifests.rest.urls")),
]
