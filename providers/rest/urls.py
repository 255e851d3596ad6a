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
        f"{PROVIDER}/keys/<str:public_id>", views.ProviderKeyViewSet.as_view({"delete": "destroy"}), name="provider-key"
    ),
    path(f"{PROVIDER}/models", views.ModelViewSet.as_view({"get": "list", "post": "create"}), name="provider-models"),
    path(f"{PROVIDER}/models/<path:name>/prices", views.PriceView.as_view(), name="model-prices"),
    path("models", views.ModelViewSet.as_view({"get": "list"}), name="models"),
    path("aliases", views.AliasViewSet.as_view({"get": "list", "post": "create"}), name="aliases"),
    path("aliases/<str:name>", views.AliasViewSet.as_view({"delete": "destroy"}), name="alias"),
]
