"""URLs of the place teams."""

from django.urls import URLPattern, path

from console.teams import views

urlpatterns: list[URLPattern] = [
    path("teams", views.teams, name="teams"),
    path("teams/new", views.new_team, name="team_new"),
    path("teams/<slug:team>", views.team, name="team"),
    path("teams/<slug:team>/members", views.members, name="team_members"),
    path("teams/<slug:team>/members/<str:member>", views.member, name="team_member"),
    path("teams/<slug:team>/invitations/<str:invitation>/withdraw", views.withdraw, name="team_withdraw"),
    path("teams/<slug:team>/settings", views.settings, name="team_settings"),
]
