"""The way out of a version: whom its deprecation was told, what is told when, brownouts; and moves planned ahead."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apis.models.contracts import ApiVersion
from common.clock import now
from common.identifiers import new_public_id
from teams.models import Application, User


def new_brownout_id() -> str:
    """Return a brownout's public id."""
    return new_public_id("brn")


def new_planned_move_id() -> str:
    """Return a planned move's public id."""
    return new_public_id("pmv")


class DeprecationNotice(models.Model):
    """One application that was told of a version's deprecation, what it called in the 30 days before, who took note."""

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="deprecation_notices")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    calls_30_days = models.PositiveBigIntegerField(default=0)
    told_at = models.DateTimeField(default=now)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-calls_30_days", "id"]
        constraints = [models.UniqueConstraint(fields=["version", "application"], name="deprecation_told_once")]

    def __str__(self) -> str:
        return f"{self.application} of {self.version}"


class SunsetReminder(models.Model):
    """A reminder of a version's sunset, `days` before it, to those who still use it."""

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="sunset_reminders")
    days = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at"]
        constraints = [models.UniqueConstraint(fields=["version", "days"], name="sunset_reminder_once")]

    def __str__(self) -> str:
        return f"{self.version} {self.days} days before its sunset"


class Brownout(models.Model):
    """A short, announced time in which a deprecated version refuses every call: it shows who still depends on it."""

    public_id = models.CharField(max_length=40, unique=True, default=new_brownout_id, editable=False)
    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="brownouts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    planned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["starts_at"]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="brownout_has_a_length")]

    def __str__(self) -> str:
        return f"{self.version} from {self.starts_at:%Y-%m-%d %H:%M} UTC"


class PlannedMove(models.Model):
    """A move of a version at a moment to come, made in the name of who planned it, under the rules of that moment.

    `values` are what the move's service takes, such as {"override_reason", "typed_name"}.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        DONE = "done", "Done"
        FAILED = "failed", "Not possible"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=40, unique=True, default=new_planned_move_id, editable=False)
    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="planned_moves")
    name = models.CharField(max_length=20, choices=[("publish", "Publish"), ("retire", "Retire")])
    at = models.DateTimeField()
    values = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    outcome = models.CharField(max_length=500, blank=True)
    planned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], condition=Q(state="planned"), name="move_planned_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version} at {self.at:%Y-%m-%d %H:%M} UTC"
