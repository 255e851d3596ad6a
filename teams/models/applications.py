"""Applications and their keys."""

from __future__ import annotations

from django.db import models

from common.clock import now
from common.identifiers import new_public_id
from gateway.dataplane.keys import PEPPER_ID
from teams.models.people import Team, User


def new_application_id() -> str:
    """Return an application's public id."""
    return new_public_id("app")


def new_credential_id() -> str:
    """Return a credential's public id."""
    return new_public_id("key")


class Application(models.Model):
    """A program of a team that calls APIs: it holds keys and subscriptions."""

    public_id = models.CharField(max_length=40, unique=True, default=new_application_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="applications")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="application_name_once_per_team")]

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """One API key of an application in one environment; only its keyed hash and a hint are kept."""

    public_id = models.CharField(max_length=40, unique=True, default=new_credential_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="credentials")
    environment = models.CharField(max_length=40, default="production")
    name = models.CharField(max_length=120)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    pepper_id = models.CharField(max_length=8, default=PEPPER_ID, editable=False)
    hint = models.CharField(max_length=24, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    # The key that takes this one's place; until its expiry both are served.
    successor = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} {self.hint}"

    @property
    def state(self) -> str:
        """Say active, rotating, disabled, expired or revoked, from the times alone."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= now():
            return "expired"
        if self.disabled_at:
            return "disabled"
        return "rotating" if self.successor_id else "active"
