"""Staff look at APIs and subscriptions; nothing here can be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from apis.models import Api, ApiVersion, ImportJob, Subscription
from common.admin import ReadOnlyAdmin


@admin.register(Api)
class ApiAdmin(ReadOnlyAdmin):
    """APIs."""

    list_display = ("name", "team", "kind", "base_path")


@admin.register(ApiVersion)
class ApiVersionAdmin(ReadOnlyAdmin):
    """Versions."""

    list_display = ("api", "name", "state", "published_at", "sunset_at")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions."""

    list_display = ("application", "version", "plan", "state")


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    """Imports."""

    list_display = ("public_id", "team", "state", "created_at")
