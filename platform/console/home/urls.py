"""URLs of the place home."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
