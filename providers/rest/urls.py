"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from providers.rest import views

PROVIDER = "providers/<str:provider>"

urlpatterns = [
    path("providers", views.ProviderViewSet.as_view({"get": "list", "post": "create"}), name="providers"),
    path(
        "providers/<str:public_id>",
        views.ProviderViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="provider",
    ),
    path("providers/<str:public_id>/test", views.ProviderViewSet.as_view({"post": "test"}), name="provider-test"),
    path(f"{PROVIDER}/keys", views.ProviderKeyViewSet.as_view({"get": "list", "post": "create"}), name="provider-keys"),
    path(
        f"{PROVIDER}/keys/<str:public_id>",
        views.ProviderKeyViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="provider-key",
    ),
    path(f"{PROVIDER}/models", views.ModelViewSet.as_view({"get": "list", "post": "create"}), name="provider-models"),
    # Names may hold slashes (org/model): the longer pattern stands first.
    path(
        f"{PROVIDER}/models/<path:name>/prices",
        views.PriceViewSet.as_view({"get": "list", "post": "create"}),
        name="model-prices",
    ),
    path(
        f"{PROVIDER}/models/<path:name>",
        views.ModelViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="provider-model",
    ),
    path("prices", views.PriceViewSet.as_view({"get": "list"}), name="prices"),
    path("models", views.ModelViewSet.as_view({"get": "list"}), name="models"),
    path("aliases", views.AliasViewSet.as_view({"get": "list", "post": "create"}), name="aliases"),
    path("aliases/<str:name>", views.AliasViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="alias"),
]
