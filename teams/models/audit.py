"""The audit log, and the tokens that make a double submit harmless."""

from __future__ import annotations

from django.db import models

from common.clock import now
from teams.models.people import Team, User


class AuditEvent(models.Model):
    """One mutating step: who did what to which object when, with the values before and after. Never changed."""

    at = models.DateTimeField(default=now, db_index=True, editable=False)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=254)
    verb = models.CharField(max_length=60, db_index=True)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=60, db_index=True)
    object_name = models.CharField(max_length=254)
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, related_name="audit_events")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=1000, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    # The hash chain (teams.services.audit_chain), written after the commit.
    position = models.BigIntegerField(null=True, unique=True, editable=False)
    salt = models.CharField(max_length=32, blank=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    seal = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_name}"


class AuditAnchor(models.Model):
    """Where the chain begins after old entries were dropped: the place and seal of the last of them. One row."""

    position = models.BigIntegerField()
    seal = models.CharField(max_length=64)
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"entry {self.position}"


class FormToken(models.Model):
    """A form already carried out: a repeat of the same token within 24 hours gets the first result's address."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token = models.CharField(max_length=64)
    result_url = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "token"], name="form_token_once")]

    def __str__(self) -> str:
        return self.token
