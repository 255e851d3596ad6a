"""The rows of prompts."""

from __future__ import annotations

from django.db import models

from apis.models import Revision
from common.clock import now
from common.identifiers import new_public_id, validate_slug
from teams.models import Team, User


def new_template_id() -> str:
    """Return a prompt template's public id."""
    return new_public_id("prompt")


def new_prompt_version_id() -> str:
    """Return a prompt version's public id."""
    return new_public_id("pv")


class PromptTemplate(models.Model):
    """A team's prompt, worked on in versions and published as an API."""

    public_id = models.CharField(max_length=40, unique=True, default=new_template_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="prompts")
    slug = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="prompt_slug_once_per_team")]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """One text of a prompt with its parameters; frozen once a revision of an API carries it.

    `parameters` is a list of {name, type, is_required, default, values, description}; `model` a wire name or an alias.
    """

    class Output(models.TextChoices):
        TEXT = "text", "Text"
        JSON = "json", "JSON"

    public_id = models.CharField(max_length=40, unique=True, default=new_prompt_version_id, editable=False)
    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    system = models.TextField(blank=True, max_length=100_000)
    text = models.TextField(max_length=100_000)
    parameters = models.JSONField(default=list, blank=True)
    model = models.CharField(max_length=260)
    output = models.CharField(max_length=4, choices=Output.choices, default=Output.TEXT)
    schema = models.JSONField(null=True, blank=True)
    temperature = models.FloatField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(default=256)
    revision = models.OneToOneField(
        Revision, on_delete=models.SET_NULL, null=True, blank=True, related_name="prompt_version"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["template_id", "number"]
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="prompt_version_number_once")]

    def __str__(self) -> str:
        return f"{self.template} {self.number}"
