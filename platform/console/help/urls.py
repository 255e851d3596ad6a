"""URLs of the place help."""

from django.urls import URLPattern, path

from console.help import views

urlpatterns: list[URLPattern] = [
    path("help/changes", views.changes, name="help_changes"),
    path("help/lint", views.lint, name="help_lint"),
    path("help/events", views.events, name="help_events"),
]
