"""Cost reports."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from common.clock import now
from common.identifiers import new_public_id
from teams.models import Team


def new_report_id() -> str:
    """Return a cost report's public id."""
    return new_public_id("rep")


class CostReport(models.Model):
    """What one team's calls cost in one UTC month, and what the calls of its APIs cost their callers.

    `lines` are usage.reports.cost.Line as JSON, most expensive first; `total_usd` and `calls` sum the lines the team
    consumed, `provided_*` those it provided. `content_hash` is SHA-256 of the lines. Frozen, a report never changes.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_report_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="cost_reports")
    month = models.DateField()
    total_usd = models.DecimalField(max_digits=24, decimal_places=9)
    calls = models.BigIntegerField()
    provided_usd = models.DecimalField(max_digits=24, decimal_places=9)
    provided_calls = models.BigIntegerField()
    lines = models.JSONField(default=list)
    content_hash = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["-month", "team__name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["team", "month"], name="one_cost_report_per_month")
        ]

    def __str__(self) -> str:
        return f"{self.team} {self.month:%B %Y}"
