"""URLs of the place notifications."""

from django.urls import URLPattern, path

from console.notifications import views

urlpatterns: list[URLPattern] = [
    path("notifications", views.notices, name="notices"),
    path("notifications/<str:notice>", views.notice, name="notice"),
]
