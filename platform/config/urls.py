"""All URLs: pages from the console, the REST API of each app, Django's admin for staff."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# Staff sign in where everybody does: Django's own form knows no second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("staff/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("", include("console.urls")),
]

handler400 = "console.errors.bad_request"
handler403 = "console.errors.permission_denied"
handler404 = "console.errors.not_found"
handler500 = "console.errors.server_error"
