"""URLs of the place manifests."""

from django.urls import URLPattern, path

from console.manifests import views

urlpatterns: list[URLPattern] = [
    path("manifests", views.applies, name="manifests"),
    path("manifests/new", views.new, name="manifests_new"),
    path("manifests/<str:apply>", views.applied, name="manifests_applied"),
]
