"""Pages. Each place contributes its own urls."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from common.permissions import page


@page("public")
def livez(request: HttpRequest) -> HttpResponse:
    """Answer that the process lives."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [path("livez", livez, name="livez")]
