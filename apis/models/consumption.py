"""The consumer side: Plan and Subscription."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apis.models.contracts import Api, ApiVersion
from common.clock import now
from common.identifiers import new_public_id, validate_slug
from teams.models import Application, User


def new_plan_id() -> str:
    """Return a plan's public id."""
    return new_public_id("plan")


def new_subscription_id() -> str:
    """Return a subscription's public id."""
    return new_public_id("sub")


class Plan(models.Model):
    """A way to use an API. `limits` is a list of {id, unit, limit, window, algo, by, hard} as STANDARDS has them."""

    class StoreError(models.TextChoices):
        LOCAL = "local", "Count on each worker"
        OPEN = "open", "Let calls pass"
        CLOSED = "closed", "Refuse calls"

    class UnknownPrice(models.TextChoices):
        WARN = "warn", "Serve and mark the call"
        BLOCK = "block", "Refuse the call"
        DEFAULT = "default", "Take the default price"

    public_id = models.CharField(max_length=40, unique=True, default=new_plan_id, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="plans")
    slug = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    limits = models.JSONField(default=list, blank=True)
    requires_approval = models.BooleanField(default=False)
    is_open = models.BooleanField(default=True, help_text="Open to new subscriptions.")
    on_store_error = models.CharField(max_length=6, choices=StoreError.choices, default=StoreError.LOCAL)
    unknown_price = models.CharField(max_length=7, choices=UnknownPrice.choices, default=UnknownPrice.WARN)
    allowed_models = models.JSONField(default=list, blank=True)
    policy_ref = models.CharField(max_length=80, null=True, blank=True, help_text="Such as gold@7.")  # noqa: DJ001
    row_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["api_id", "id"]
        constraints = [models.UniqueConstraint(fields=["api", "slug"], name="plan_slug_once_per_api")]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """One application's use of one version under one plan; at most one that is not over."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        ACTIVE = "active", "Active"
        CHANGE_PENDING = "change_pending", "Change pending"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"
        REJECTED = "rejected", "Rejected"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=40, unique=True, default=new_subscription_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="subscriptions")
    version = models.ForeignKey(ApiVersion, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    state = models.CharField(max_length=14, choices=State.choices, default=State.ACTIVE)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "version"],
                condition=~Q(state__in=["ended", "rejected", "cancelled"]),
                name="one_live_subscription",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application} to {self.version}"
