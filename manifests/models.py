"""What manifests have done: applies, and which objects a source keeps."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from common.clock import now
from common.identifiers import new_public_id
from teams.models import User


def new_apply_id() -> str:
    """Return an apply's public id."""
    return new_public_id("apl")


class ManifestApply(models.Model):
    """One apply that changed something or was refused. `entries` are the plan it carried out, one per object.

    `teams` are the slugs of the teams whose objects stand in it.
    """

    class Outcome(models.TextChoices):
        APPLIED = "applied", "Applied"
        PARTLY = "partly", "Applied in part"
        REFUSED = "refused", "Refused"

    public_id = models.CharField(max_length=40, unique=True, default=new_apply_id, editable=False)
    source = models.CharField(
        max_length=100, blank=True, help_text="Where the manifests are kept, such as a repository."
    )
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    entries = models.JSONField(default=list)
    teams = ArrayField(models.CharField(max_length=60), default=list)
    plan_hash = models.CharField(max_length=32)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now, db_index=True, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"apply of {self.source or 'manifests'}"


class ManagedObject(models.Model):
    """An object that a source keeps by its manifest. `applied_hash` is that of the state the last apply left."""

    kind = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    metadata = models.JSONField()
    source = models.CharField(max_length=100)
    applied_hash = models.CharField(max_length=32)
    applied_at = models.DateTimeField(default=now)
    applied_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "object_id"], name="managed_by_one_source")]
        indexes = [models.Index(fields=["source"], name="managed_by_source")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.source}"
