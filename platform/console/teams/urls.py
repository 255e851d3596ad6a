"""URLs of the place teams."""

from django.urls import URLPattern, path

from console.teams import lint, roles, service_accounts, spectral, tree, views, webhooks

urlpatterns: list[URLPattern] = [
    path("teams", views.teams, name="teams"),
    path("teams/new", views.new_team, name="team_new"),
    path("teams/<slug:team>", views.team, name="team"),
    path("teams/<slug:team>/members", views.members, name="team_members"),
    path("teams/<slug:team>/members/<str:member>", views.member, name="team_member"),
    path("teams/<slug:team>/invitations/<str:invitation>/withdraw", views.withdraw, name="team_withdraw"),
    path("teams/<slug:team>/lint", lint.team_rules, name="team_lint"),
    path("teams/<slug:team>/place", tree.place, name="team_place"),
    path("teams/<slug:team>/delete", tree.delete, name="team_delete"),
    path("teams/<slug:team>/roles", roles.roles, name="team_roles"),
    path("teams/<slug:team>/roles/new", roles.new_role, name="team_role_new"),
    path("teams/<slug:team>/roles/<str:role>", roles.team_role, name="team_role"),
    path("teams/<slug:team>/lint/ruleset", spectral.team_ruleset, name="team_ruleset"),
    path("teams/<slug:team>/service-accounts", service_accounts.service_accounts, name="team_service_accounts"),
    path(
        "teams/<slug:team>/service-accounts/<str:account>",
        service_accounts.service_account,
        name="team_service_account",
    ),
    path("teams/<slug:team>/settings", views.settings, name="team_settings"),
    path("teams/<slug:team>/webhooks", webhooks.webhooks, name="team_webhooks"),
    path("teams/<slug:team>/webhooks/<str:webhook>", webhooks.webhook, name="team_webhook"),
    path("teams/<slug:team>/webhooks/<str:webhook>/secret", webhooks.rotate, name="team_webhook_secret"),
    path("teams/<slug:team>/webhooks/<str:webhook>/test", webhooks.test, name="team_webhook_test"),
    path("teams/<slug:team>/webhooks/<str:webhook>/delete", webhooks.delete, name="team_webhook_delete"),
    path(
        "teams/<slug:team>/webhooks/<str:webhook>/deliveries/<str:delivery>/replay",
        webhooks.replay,
        name="team_webhook_replay",
    ),
]
