"""Rulesets and waivers of lint."""

from __future__ import annotations

from django.db import models

from apis.models.contracts import ApiVersion
from common.clock import now
from common.identifiers import new_public_id
from teams.models import Team, User


def new_lint_waiver_id() -> str:
    """Return a lint waiver's public id."""
    return new_public_id("lwv")


class LintRuleset(models.Model):
    """How grave each rule is for one team's documents, or, without a team, for all; a team's word comes first.

    `severities` is {code: error | warn | info | off}; a code that is missing keeps the rule's own. `spectral` is a
    ruleset in Spectral's format, YAML or JSON as it was written, "" for none; `severities` have the last word.
    """

    team = models.OneToOneField(Team, on_delete=models.CASCADE, null=True, related_name="lint_ruleset")
    severities = models.JSONField(default=dict, blank=True)
    spectral = models.TextField(blank=True)
    updated_at = models.DateTimeField(default=now)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(team=None), name="one_ruleset_of_the_organisation"
            )
        ]

    def __str__(self) -> str:
        return f"Ruleset of {self.team or 'the organisation'}"


class LintWaiver(models.Model):
    """Leave for a rule's findings in a version, at `pointer` and below ("" everywhere): reason, owner, end."""

    public_id = models.CharField(max_length=40, unique=True, default=new_lint_waiver_id, editable=False)
    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="lint_waivers")
    code = models.CharField(max_length=60)
    pointer = models.CharField(max_length=1000, blank=True)
    reason = models.CharField(max_length=500)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.code} in {self.version}"
