"""URLs of the place account."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
