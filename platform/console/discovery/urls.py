"""URLs of the place discovery."""

from django.urls import URLPattern, path

from console.discovery import views

urlpatterns: list[URLPattern] = [path(".well-known/api-catalog", views.api_catalog, name="api_catalog")]
