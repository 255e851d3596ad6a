"""Staff look at prompts; nothing here can be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from prompts.models import PromptTemplate


@admin.register(PromptTemplate)
class PromptTemplateAdmin(ReadOnlyAdmin):
    """Prompts."""

    list_display = ("name", "team", "created_at")
