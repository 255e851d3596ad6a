"""Overlays: what the document of a version says differently in some environments."""

from __future__ import annotations

from django.db import models

from apis.models.contracts import ApiVersion, Environment
from common.clock import now
from common.identifiers import new_public_id
from teams.models import User


def new_overlay_id() -> str:
    """Return an overlay's public id."""
    return new_public_id("ovl")


class Overlay(models.Model):
    """An OpenAPI Overlay over a version's document, applied by `position`; without environments it is for all.

    `source` is the text as given, JSON or YAML. What is deployed and what callers are promised stays the design's.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_overlay_id, editable=False)
    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="overlays")
    name = models.CharField(max_length=60)
    source = models.TextField()
    environments = models.ManyToManyField(Environment, blank=True, related_name="+")
    position = models.PositiveSmallIntegerField()
    is_enabled = models.BooleanField(default=True)
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    updated_at = models.DateTimeField(default=now, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["version_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="overlay_name_once_per_version"),
            # Checked at commit: a change of the order passes through places that are still taken.
            models.UniqueConstraint(
                fields=["version", "position"],
                deferrable=models.Deferrable.DEFERRED,
                name="overlay_position_once_per_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.version}"
