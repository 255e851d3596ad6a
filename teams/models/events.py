"""What happened, told: events of the feed, webhooks and their deliveries, notices to people."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from common.clock import now
from common.identifiers import new_public_id
from teams.models.people import Team, User


def new_event_id() -> str:
    """Return an event's public id."""
    return new_public_id("evt")


def new_webhook_id() -> str:
    """Return a webhook's public id."""
    return new_public_id("hook")


def new_delivery_id() -> str:
    """Return a delivery's public id."""
    return new_public_id("dlv")


def new_notice_id() -> str:
    """Return a notice's public id."""
    return new_public_id("ntc")


class Event(models.Model):
    """One thing that happened to an object, as one team's feed tells it (teams.event_types has the types).

    `number` is its place in the feed. It is given after the commit, in the order of `id` among what is committed, so
    a reader that remembers the highest number it has seen misses nothing, whatever committed late.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_event_id, editable=False)
    number = models.BigIntegerField(null=True, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60, db_index=True)
    subject_name = models.CharField(max_length=254)
    actor_id = models.CharField(max_length=40, blank=True, help_text="A person's public id; empty for Gatehouse.")
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=now, db_index=True, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["team", "number"], name="event_by_team"),
            models.Index(fields=["id"], condition=Q(number=None), name="event_unnumbered"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_name}"


class Webhook(models.Model):
    """An address of a team that is told of events; no types chosen means all. Secrets are sealed.

    `position` is the highest event number that was queued for it.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_webhook_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=1000)
    description = models.CharField(max_length=200, blank=True)
    event_types = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    secret = models.BinaryField(editable=False)
    previous_secret = models.BinaryField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    position = models.BigIntegerField(default=0, editable=False)
    is_active = models.BooleanField(default=True)
    stopped_reason = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.description or self.url


class Delivery(models.Model):
    """One event on its way to one webhook. `attempts` is a list of {at, status, ms, error, answer}, oldest first."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=40, unique=True, default=new_delivery_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.JSONField(default=list)
    next_at = models.DateTimeField(default=now)
    is_replay = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now, editable=False)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["webhook", "next_at"], condition=Q(state="pending"), name="delivery_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "event"], condition=Q(is_replay=False), name="event_delivered_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"


class Notice(models.Model):
    """One message to one person, in the console and by mail; without a person it is mail to `address` alone."""

    class MailState(models.TextChoices):
        NONE = "none", "Not wanted"
        QUEUED = "queued", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=40, unique=True, default=new_notice_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="notices")
    address = models.EmailField(blank=True)
    title = models.CharField(max_length=200)
    text = models.TextField()
    url = models.CharField(max_length=500)
    icon = models.CharField(max_length=40, default="bell")
    created_at = models.DateTimeField(default=now, editable=False)
    read_at = models.DateTimeField(null=True)
    mail_state = models.CharField(max_length=6, choices=MailState.choices, default=MailState.QUEUED)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mail_next_at = models.DateTimeField(default=now)
    mail_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], condition=Q(read_at=None), name="notice_unread"),
            models.Index(fields=["mail_next_at"], condition=Q(mail_state="queued"), name="notice_to_mail"),
        ]

    def __str__(self) -> str:
        return self.title
