"""Pages. Each place contributes its own urls."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path

from common.permissions import page
from console.gallery import gallery
from console.problems import problem, problems


@page("public")
def livez(request: HttpRequest) -> HttpResponse:
    """Answer that the process lives."""
    return HttpResponse("ok", content_type="text/plain")


PLACES = (
    "home",
    "account",
    "notifications",
    "catalog",
    "applications",
    "workspace",
    "transfers",
    "manifests",
    "ai",
    "usage",
    "teams",
    "admin",
    "help",
    "discovery",
    "mock",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", livez, name="livez"),
    path("problems", problems, name="problems"),
    path("problems/<str:code>", problem, name="problem"),
    path("admin/gallery", gallery, name="gallery"),
    *(path("", include(f"console.{place}.urls")) for place in PLACES),
]
