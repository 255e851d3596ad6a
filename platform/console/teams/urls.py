"""URLs of the place teams."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
