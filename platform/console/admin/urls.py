"""URLs of the place admin."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
