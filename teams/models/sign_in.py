"""Single sign-on: OpenID providers, whom they know as whom, and which of their groups stands for which role."""

from __future__ import annotations

from django.db import models

from common.clock import now
from common.identifiers import new_public_id
from teams.models.custom_roles import Role
from teams.models.people import Team, User


def new_provider_id() -> str:
    """Return an OpenID provider's public id."""
    return new_public_id("idp")


class SignInProvider(models.Model):
    """An OpenID provider that people sign in with, newcomers of `allowed_domains` too. Its secret is sealed."""

    public_id = models.CharField(max_length=40, unique=True, default=new_provider_id, editable=False)
    name = models.CharField(max_length=60, unique=True)
    issuer = models.CharField(max_length=500, unique=True)
    client_id = models.CharField(max_length=250)
    secret = models.BinaryField(default=bytes, blank=True, editable=False)
    scopes = models.CharField(max_length=300, default="openid profile email")
    allowed_domains = models.JSONField(default=list, blank=True)
    groups_claim = models.CharField(max_length=100, default="groups")
    is_enabled = models.BooleanField(default=True)
    row_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class GroupRole(models.Model):
    """Members of one group of a provider have this role in this team; the highest of several counts."""

    provider = models.ForeignKey(SignInProvider, on_delete=models.CASCADE, related_name="group_roles")
    group = models.CharField(max_length=250)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "group", "team"], name="group_role_once")]

    def __str__(self) -> str:
        return f"{self.group}: {self.get_role_display()} of {self.team}"


class Identity(models.Model):
    """A person as a provider knows them: `subject` is theirs for ever (OpenID Connect Core §2), the address is not."""

    provider = models.ForeignKey(SignInProvider, on_delete=models.CASCADE, related_name="identities")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255)
    email = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "subject"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.email or self.subject}"
