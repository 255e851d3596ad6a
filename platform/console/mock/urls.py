"""URLs of the place mock."""

from django.urls import URLPattern, path

from console.mock import views

VERSION = "mock/<slug:team>/<slug:api>/<str:version>"

urlpatterns: list[URLPattern] = [
    path(VERSION, views.mock, name="mock_root"),
    path(f"{VERSION}/<path:path>", views.mock, name="mock"),
]
