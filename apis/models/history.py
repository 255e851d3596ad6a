"""What happened to versions: transitions, reviews, imports."""

from __future__ import annotations

from django.db import models

from apis.models.contracts import Api, ApiVersion, Environment, Revision
from common.clock import now
from common.identifiers import new_public_id
from teams.models import Team, User


def new_import_id() -> str:
    """Return an import's public id."""
    return new_public_id("imp")


def new_comment_id() -> str:
    """Return a review comment's public id."""
    return new_public_id("rcm")


class Transition(models.Model):
    """One move of a version from state to state, for the lifecycle strip."""

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=10)
    to_state = models.CharField(max_length=10)
    move = models.CharField(max_length=20)
    reason = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.version}: {self.from_state} to {self.to_state}"


class Review(models.Model):
    """One reviewer's verdict on a revision; the author gives none."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    # The lines of the team's checklist as they were ticked.
    checked = models.JSONField(default=list, blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "reviewer"], name="one_verdict_per_reviewer")]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.verdict}"


class ReviewComment(models.Model):
    """What somebody says about a line of a revision's source (0: about all of it), until it is resolved."""

    public_id = models.CharField(max_length=40, unique=True, default=new_comment_id, editable=False)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="comments")
    line = models.PositiveIntegerField(default=0)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField(default=now, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"{self.author} on line {self.line} of {self.revision}"


class Release(models.Model):
    """A revision that became current in an environment, and what changed by that: the changelog's source.

    `changes` are findings of `apis.diff` as {code, level, text, old, new, method, path}, breaks first; `accepted` the
    keys of the risky ones that were ticked.
    """

    class Kind(models.TextChoices):
        FIRST = "first", "First publication"
        RELEASE = "release", "Next revision"
        ROLL_BACK = "roll_back", "Roll-back"

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="releases")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="releases")
    previous = models.ForeignKey(Revision, on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    level = models.CharField(max_length=8, default="safe")
    changes = models.JSONField(default=list)
    accepted = models.JSONField(default=list)
    note = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.revision} in {self.environment}"


class Canary(models.Model):
    """A trial of an approved revision beside the current one: a share of the calls, or those with a header.

    At most one runs per version. It ends by hand, by becoming current, or by itself when more than
    `max_error_percent` of its last hundred calls at some worker fail upstream.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PROMOTED = "promoted", "Became current"
        ENDED = "ended", "Ended"
        FELL_BACK = "fell_back", "Fell back"

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="canaries")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    percent = models.FloatField(default=0)
    header = models.CharField(max_length=60, blank=True)
    header_value = models.CharField(max_length=200, blank=True)
    max_error_percent = models.FloatField(default=10)
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(state="running"), name="one_canary_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"canary of {self.revision}"


class Waiver(models.Model):
    """Leave for one breaking change inside a version: reason, who gave it, until when."""

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="waivers")
    key = models.CharField(max_length=16)
    text = models.CharField(max_length=500)
    reason = models.CharField(max_length=500)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version}: {self.text}"


class ImportJob(models.Model):
    """A document on its way to becoming an API's draft; the file is kept until the import succeeds."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=40, unique=True, default=new_import_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    source = models.TextField(blank=True)
    source_url = models.CharField(max_length=1000, blank=True)
    fields = models.JSONField(default=dict, help_text="What the form said: name, slug, upstream_url, base_path, tags.")
    findings = models.JSONField(default=list)
    error = models.CharField(max_length=2000, blank=True)
    api = models.ForeignKey(Api, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"import {self.public_id} {self.state}"
