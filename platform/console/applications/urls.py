"""URLs of the place applications."""

from django.urls import URLPattern, path

from console.applications import plans, views
from console.transfers import views as transfers

APP = "applications/<str:app>"

urlpatterns: list[URLPattern] = [
    path("applications", views.applications, name="applications"),
    path("applications/new", views.new_application, name="application_new"),
    path(APP, views.application, name="application"),
    path(f"{APP}/keys", views.keys, name="application_keys"),
    path(f"{APP}/keys/<str:key>/revoke", views.revoke_key, name="application_key_revoke"),
    path(f"{APP}/keys/<str:key>/rotate", views.rotate_key, name="application_key_rotate"),
    path(f"{APP}/keys/<str:key>/switch", views.switch_key, name="application_key_switch"),
    path(f"{APP}/subscriptions", views.subscriptions, name="application_subscriptions"),
    path(f"{APP}/subscriptions/<str:subscription>/plan", plans.change, name="application_change_plan"),
    path(f"{APP}/subscriptions/<str:subscription>/pause", plans.pause, name="application_pause"),
    path(f"{APP}/subscriptions/<str:subscription>/end", views.end, name="application_subscription_end"),
    path(f"{APP}/transfer", transfers.offer_application, name="application_transfer"),
    path(f"{APP}/settings", views.settings, name="application_settings"),
]
