"""All URLs: pages from the console, the REST API of each app, Django's admin for staff."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("staff/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("", include("console.urls")),
]

handler400 = "console.errors.bad_request"
handler403 = "console.errors.permission_denied"
handler404 = "console.errors.not_found"
handler500 = "console.errors.server_error"
