"""Staff look at teams, people and keys; nothing here can be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from teams.models import Application, AuditEvent, Membership, Team, User


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People."""

    list_display = ("email", "name", "is_platform_admin", "is_active", "last_login")


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    """Teams."""

    list_display = ("name", "slug", "required_approvals", "created_at")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is in which team."""

    list_display = ("user", "team", "role_name")
    list_select_related = ("user", "team", "custom_role")


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """Applications."""

    list_display = ("name", "team", "created_at")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor_name", "verb", "object_name")
