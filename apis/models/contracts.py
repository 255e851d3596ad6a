"""The provider side: Api, ApiVersion, Revision, Operation, Environment, Deployment, Share."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from apis.fields import DocumentField
from common.clock import now
from common.identifiers import new_public_id, validate_slug
from teams.models import Application, Team, User

validate_version_name = RegexValidator(r"^v[0-9]{1,4}$", "A version is v and a number, such as v2.")


def new_api_id() -> str:
    """Return an API's public id."""
    return new_public_id("api")


def new_version_id() -> str:
    """Return a version's public id."""
    return new_public_id("ver")


def new_revision_id() -> str:
    """Return a revision's public id."""
    return new_public_id("rev")


class Environment(models.Model):
    """A place to deploy to. One row, `production`, exists from the first migration on."""

    slug = models.CharField(max_length=40, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class Api(models.Model):
    """One API of a team. Its `base_path` is unique and fixed at first publication; `owner` answers for it."""

    class Kind(models.TextChoices):
        REST = "rest", "REST"
        PROMPT = "prompt", "Prompt"
        MODEL = "model", "AI models"

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Everyone, also without signing in"
        EVERYONE = "everyone", "Everyone who signs in"
        SHARED = "shared", "Teams it is shared with"
        TEAM = "team", "The owning team"

    public_id = models.CharField(max_length=40, unique=True, default=new_api_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="apis")
    slug = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    summary = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    category = models.CharField(max_length=60, blank=True)
    base_path = models.CharField(max_length=200, unique=True, blank=True)
    is_base_path_fixed = models.BooleanField(default=False, editable=False)
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.EVERYONE)
    is_requestable = models.BooleanField(
        default=False, help_text="Teams it is not shared with see its name and summary, and may ask for access."
    )
    owner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    on_call = models.CharField(max_length=200, blank=True, help_text="Whom to reach when it fails, at any hour.")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="api_slug_once_per_team")]

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """One team that may see an API whose visibility is `shared`."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="shares")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api", "team"], name="share_once")]

    def __str__(self) -> str:
        return f"{self.api} with {self.team}"


class ApiVersion(models.Model):
    """A major version of an API; the lifecycle lives here (apis.lifecycle has the table)."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        PREVIEW = "preview", "Preview"
        PUBLISHED = "published", "Published"
        DEPRECATED = "deprecated", "Deprecated"
        RETIRED = "retired", "Retired"
        ARCHIVED = "archived", "Archived"

    public_id = models.CharField(max_length=40, unique=True, default=new_version_id, editable=False)
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="versions")
    name = models.CharField(max_length=5, validators=[validate_version_name])
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    is_blocked = models.BooleanField(default=False)
    blocked_reason = models.CharField(max_length=500, blank=True)
    blocked_until = models.DateTimeField(null=True, blank=True)
    preview_applications = models.ManyToManyField(Application, related_name="+", blank=True)
    policy_ref = models.CharField(max_length=80, null=True, blank=True, help_text="Such as gold@7.")  # noqa: DJ001
    successor = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    deprecated_at = models.DateTimeField(null=True, blank=True)
    deprecation_reason = models.CharField(max_length=500, blank=True)
    sunset_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    retirement_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["api_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["api", "name"], name="version_name_once_per_api"),
            models.CheckConstraint(
                condition=Q(sunset_at__isnull=True)
                | Q(deprecated_at__isnull=True)
                | Q(sunset_at__gte=models.F("deprecated_at")),
                name="sunset_not_before_deprecation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.api.name} {self.name}"


class Revision(models.Model):
    """A version's document and routing at one time; immutable once in review, at most one editable draft.

    `document` is canonical OpenAPI 3.1; `source` the text as given; times are seconds, sizes bytes.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        CURRENT = "current", "Current"
        SUPERSEDED = "superseded", "Superseded"
        REJECTED = "rejected", "Rejected"

    public_id = models.CharField(max_length=40, unique=True, default=new_revision_id, editable=False)
    version = models.ForeignKey(ApiVersion, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    document = DocumentField(default=dict, blank=True)
    source = models.TextField(blank=True)
    source_format = models.CharField(max_length=4, default="json")
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    upstream_url = models.CharField(max_length=500, blank=True)
    connect_timeout_seconds = models.FloatField(default=5.0)
    total_timeout_seconds = models.FloatField(default=60.0)
    max_body_bytes = models.PositiveIntegerField(default=10 * 1024 * 1024)
    gateway = models.JSONField(
        default=dict, blank=True, help_text="How the gateway serves it: blocks of apis.gateway_settings."
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    lint_score = models.PositiveSmallIntegerField(null=True, editable=False)
    lint_errors = models.PositiveIntegerField(default=0, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["version_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="revision_number_once"),
            models.UniqueConstraint(
                fields=["version"], condition=Q(state="draft"), name="one_draft_revision_per_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} revision {self.number}"


class Operation(models.Model):
    """One operation of a revision's document, kept for search, docs and routing."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="operations")
    operation_id = models.CharField(max_length=200)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    summary = models.CharField(max_length=300, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    is_deprecated = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["revision_id", "position"]
        constraints = [models.UniqueConstraint(fields=["revision", "operation_id"], name="operation_id_once")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Deployment(models.Model):
    """The pointer (version, environment) -> revision: what the gateway serves to keys of that environment.

    `upstream_url` stands for the revision's own where it is given.
    """

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="deployments")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    upstream_url = models.CharField(max_length=500, blank=True)
    deployed_at = models.DateTimeField(default=now)
    deployed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "environment"], name="one_deployment_per_place")]

    def __str__(self) -> str:
        return f"{self.revision} in {self.environment}"
