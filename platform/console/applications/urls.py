"""URLs of the place applications."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
