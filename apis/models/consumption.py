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


def one_step() -> list[str]:
    """Return the steps of a plan that one publisher decides on."""
    return ["publisher"]


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
    limits_elsewhere = models.JSONField(
        null=True, blank=True, help_text="In other environments than production; null is the same."
    )
    requires_approval = models.BooleanField(default=False)
    # Where one is required: the role of each step, in order; a person decides one step of a request.
    approval_steps = models.JSONField(default=one_step, blank=True)
    decide_within_days = models.PositiveSmallIntegerField(default=7, help_text="Days until an open request lapses.")
    terms = models.TextField(blank=True, help_text="What a subscriber accepts, Markdown.")
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
    # The plan asked for while the present one keeps serving; then the state is change_pending.
    wanted_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # An open request lapses then.
    decide_by = models.DateTimeField(null=True, blank=True)
    accepted_terms_at = models.DateTimeField(null=True, blank=True)
    # Who may resume a suspended one: the provider's suspension is not the subscriber's to lift.
    is_suspended_by_provider = models.BooleanField(default=False)
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


class SubscriptionApproval(models.Model):
    """One step of a request's approval: who said yes, in which role's place."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="approvals")
    step = models.PositiveSmallIntegerField()
    approver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["step"]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "step"], name="approval_step_once"),
            models.UniqueConstraint(fields=["subscription", "approver"], name="approver_once"),
        ]

    def __str__(self) -> str:
        return f"{self.approver} for {self.subscription}"
