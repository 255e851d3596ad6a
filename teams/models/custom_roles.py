"""Roles made from permissions, and what holds a role: a membership, an invitation."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from common.clock import now
from common.identifiers import new_public_id, validate_slug
from teams.permissions import BUILT_IN


def new_role_id() -> str:
    """Return a custom role's public id."""
    return new_public_id("rol")


class Role(models.TextChoices):
    """The built-in roles; each includes those below it."""

    OWNER = "owner", "Owner"
    PUBLISHER = "publisher", "Publisher"
    DEVELOPER = "developer", "Developer"
    VIEWER = "viewer", "Viewer"


class CustomRole(models.Model):
    """A named set of permissions: usable in every team, or where `team` is set in that team and those below it."""

    public_id = models.CharField(max_length=40, unique=True, default=new_role_id, editable=False)
    team = models.ForeignKey(
        "teams.Team", on_delete=models.CASCADE, null=True, blank=True, related_name="custom_roles"
    )  # fmt: skip
    slug = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=300, blank=True)
    permissions = ArrayField(models.CharField(max_length=40))
    row_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["team", "slug"], name="role_slug_once_in_team"),
            models.UniqueConstraint(fields=["slug"], condition=Q(team=None), name="role_slug_once_for_all"),
        ]

    def __str__(self) -> str:
        return self.name


class RoleHolder(models.Model):
    """What holds a role: a built-in one by its name, or a custom one."""

    role = models.CharField(max_length=10, choices=Role.choices, blank=True)
    custom_role = models.ForeignKey(
        CustomRole, on_delete=models.RESTRICT, null=True, blank=True, related_name="%(class)ss"
    )  # fmt: skip

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(role="", custom_role__isnull=False) | (~Q(role="") & Q(custom_role=None)),
                name="%(class)s_has_one_role",
            )
        ]

    @property
    def role_slug(self) -> str:
        """Return what names the role in URLs and bodies."""
        return self.custom_role.slug if self.custom_role else self.role

    @property
    def role_name(self) -> str:
        """Return the role in words."""
        return self.custom_role.name if self.custom_role else Role(self.role).label

    @property
    def allowed(self) -> frozenset[str]:
        """Return the permissions of the role."""
        return permissions_of(self.role, self.custom_role.permissions if self.custom_role else None)


def permissions_of(role: str, permissions: Any) -> frozenset[str]:
    """Return what a built-in role allows, or a custom one's permissions."""
    return BUILT_IN[role] if role else frozenset(permissions)
