"""The moving of APIs and applications from team to team, and the addresses they had before."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apis.models.contracts import Api
from common.clock import now
from common.identifiers import new_public_id
from teams.models import Application, Team, User


def new_transfer_id() -> str:
    """Return a transfer's public id."""
    return new_public_id("trf")


class Transfer(models.Model):
    """One offer to move an API or an application to another team; accepting it moves it.

    `new_name` is the slug an API gets in the other team, or the name an application gets; "" keeps what it has.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    public_id = models.CharField(max_length=40, unique=True, default=new_transfer_id, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, null=True, blank=True, related_name="transfers")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="transfers"
    )
    from_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    new_name = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    message = models.CharField(max_length=1000, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(api__isnull=False, application__isnull=True)
                | Q(api__isnull=True, application__isnull=False),
                name="transfer_of_one_thing",
            ),
            models.CheckConstraint(condition=~Q(from_team=F("to_team")), name="transfer_between_two_teams"),
            models.UniqueConstraint(fields=["api"], condition=Q(state="pending"), name="api_offered_once"),
            models.UniqueConstraint(
                fields=["application"], condition=Q(state="pending"), name="application_offered_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to_team}"

    @property
    def subject(self) -> Api | Application:
        """Return what is moved."""
        subject = self.api or self.application
        if subject is None:
            raise ValueError("a transfer is of an API or of an application")
        return subject


class FormerAddress(models.Model):
    """An address `{team}/{slug}` that an API had before it moved: it leads to the API for ever."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    slug = models.CharField(max_length=60)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="former_addresses")
    left_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="former_address_once")]

    def __str__(self) -> str:
        return f"{self.team.slug}/{self.slug}"
