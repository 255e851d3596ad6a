"""URLs of the place catalog."""

from django.urls import URLPattern, path

from console.catalog import access, collections, dependencies, docs, subscribe, views

API = "catalog/<slug:team>/<slug:api>"
VERSION = f"{API}/<str:version>"

urlpatterns: list[URLPattern] = [
    path("catalog", views.catalog, name="catalog"),
    path("catalog/graph", dependencies.graph, name="catalog_graph"),
    path("catalog/collections/new", collections.new, name="catalog_new_collection"),
    path("catalog/collections/<slug:collection>", collections.collection, name="catalog_collection"),
    path("catalog/collections/<slug:collection>/edit", collections.edit, name="catalog_edit_collection"),
    path("catalog/collections/<slug:collection>/delete", collections.delete, name="catalog_delete_collection"),
    path(API, views.api_latest, name="catalog_api"),
    path(f"{API}/ask", access.ask, name="catalog_ask"),
    path(f"{API}/star", views.star, name="catalog_star"),
    path(f"{API}/versions", views.versions, name="catalog_versions"),
    path(VERSION, views.api_version, name="catalog_version"),
    path(f"{VERSION}/plans", views.plans, name="catalog_plans"),
    path(f"{VERSION}/changelog", views.changelog, name="catalog_changelog"),
    path(f"{VERSION}/acknowledge", views.acknowledge, name="catalog_acknowledge"),
    path(f"{VERSION}/reference", views.reference, name="catalog_reference"),
    path(f"{VERSION}/openapi.json", views.document, name="catalog_document"),
    path(f"{VERSION}/subscribe", subscribe.subscribe_panel, name="catalog_subscribe"),
    path(f"{VERSION}/docs", docs.docs, name="catalog_docs"),
    path(f"{VERSION}/docs/<str:operation_id>", docs.operation, name="catalog_operation"),
    path(f"{VERSION}/docs/<str:operation_id>/key", docs.take_key, name="catalog_take_key"),
]
