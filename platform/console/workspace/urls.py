"""URLs of the place workspace."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
