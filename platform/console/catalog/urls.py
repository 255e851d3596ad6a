"""URLs of the place catalog."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
