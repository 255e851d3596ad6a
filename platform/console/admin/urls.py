"""URLs of the place admin."""

from django.urls import URLPattern, path

from console.admin import views
from console.admin.environments import environments
from console.teams.lint import organisation_rules

urlpatterns: list[URLPattern] = [
    path("admin/gateways", views.gateways, name="admin_gateways"),
    path("admin/environments", environments, name="admin_environments"),
    path("admin/lint", organisation_rules, name="admin_lint"),
    path("admin/audit", views.audit, name="admin_audit"),
]
