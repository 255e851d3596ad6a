"""URLs of the place home."""

from django.urls import URLPattern, path

from console.home import views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("search", views.search, name="search"),
]
