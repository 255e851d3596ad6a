"""Staff look at AI providers and models; nothing here can be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from providers.models import Model, Provider


@admin.register(Provider)
class ProviderAdmin(ReadOnlyAdmin):
    """Providers."""

    list_display = ("name", "slug", "base_url", "is_active")


@admin.register(Model)
class ModelAdmin(ReadOnlyAdmin):
    """Models."""

    list_display = ("name", "provider", "is_active")
