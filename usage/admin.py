"""Staff look at what usage wrote; nothing here can be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from usage.models import CostReport, Progress, Quarantine


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
