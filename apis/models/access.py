"""Requests for access to an API that is shared with some teams."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apis.models.contracts import Api
from common.clock import now
from common.identifiers import new_public_id
from teams.models import Team, User


def new_access_request_id() -> str:
    """Return an access request's public id."""
    return new_public_id("acr")


class AccessRequest(models.Model):
    """One team's wish to see an API; granting it shares the API with the team."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"

    public_id = models.CharField(max_length=40, unique=True, default=new_access_request_id, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="access_requests")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    message = models.CharField(max_length=1000, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["api", "team"], condition=Q(state="pending"), name="access_asked_once")
        ]

    def __str__(self) -> str:
        return f"{self.team} for {self.api}"
