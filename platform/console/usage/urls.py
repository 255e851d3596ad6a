"""URLs of the place usage."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
