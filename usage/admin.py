"""Staff look at what usage wrote; nothing here can be changed by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from usage.models import CostReport, Progress, Quarantine


class ReadOnlyAdmin(admin.ModelAdmin):
    """A list to read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(CostReport)
class CostReportAdmin(ReadOnlyAdmin):
    """Cost reports."""

    list_display = ("team", "month", "total_usd", "calls", "as_of", "frozen_at")
    list_select_related = ("team",)
    list_filter = ("month",)


@admin.register(Progress)
class ProgressAdmin(ReadOnlyAdmin):
    """How far the counting is."""

    list_display = ("as_of", "ran_at")


@admin.register(Quarantine)
class QuarantineAdmin(ReadOnlyAdmin):
    """Records that could not be stored."""

    list_display = ("quarantined_at", "node", "segment", "reason")
    list_filter = ("node",)
    show_full_result_count = False
