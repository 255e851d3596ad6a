"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from gateway.control.rest.views import GatewayView

urlpatterns = [path("gateway", GatewayView.as_view(), name="gateway")]
