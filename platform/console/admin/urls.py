"""URLs of the place admin."""

from django.urls import URLPattern, path

from console.admin import roles, sign_in, users, views
from console.admin.audit_chain import chain
from console.admin.environments import environments
from console.teams.lint import organisation_rules
from console.teams.spectral import organisation_ruleset

urlpatterns: list[URLPattern] = [
    path("admin/gateways", views.gateways, name="admin_gateways"),
    path("admin/environments", environments, name="admin_environments"),
    path("admin/lint", organisation_rules, name="admin_lint"),
    path("admin/roles", roles.roles, name="admin_roles"),
    path("admin/roles/new", roles.new_role, name="admin_role_new"),
    path("admin/roles/<str:role>", roles.role, name="admin_role"),
    path("admin/lint/ruleset", organisation_ruleset, name="admin_ruleset"),
    path("admin/users", users.users, name="admin_users"),
    path("admin/users/<str:user>", users.user, name="admin_user"),
    path("admin/users/<str:user>/export", users.export, name="admin_user_export"),
    path("admin/sign-in", sign_in.sign_in, name="admin_sign_in"),
    path("admin/sign-in/new", sign_in.new_provider, name="admin_new_provider"),
    path("admin/sign-in/<str:idp>", sign_in.provider, name="admin_provider"),
    path("admin/audit", views.audit, name="admin_audit"),
    path("admin/audit/chain", chain, name="admin_audit_chain"),
]
