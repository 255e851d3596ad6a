"""URLs of the place ai."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
