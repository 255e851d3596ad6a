"""URLs of the place admin."""

from django.urls import URLPattern, path

from console.admin import views

urlpatterns: list[URLPattern] = [
    path("admin/gateways", views.gateways, name="admin_gateways"),
    path("admin/audit", views.audit, name="admin_audit"),
]
