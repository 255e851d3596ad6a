"""People, teams, memberships, invitations and personal access tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower

from common.clock import now
from common.identifiers import new_public_id, validate_slug
from teams.models.custom_roles import RoleHolder


def new_user_id() -> str:
    """Return a user's public id."""
    return new_public_id("usr")


def new_team_id() -> str:
    """Return a team's public id."""
    return new_public_id("team")


def new_invitation_id() -> str:
    """Return an invitation's public id."""
    return new_public_id("inv")


def new_token_id() -> str:
    """Return an access token's public id."""
    return new_public_id("pat")


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail."""

    def people(self) -> models.QuerySet[User]:
        """Return those who are people: service accounts are not."""
        return self.filter(service_team=None)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person; no password means that only a link signs in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a platform admin with the staff pages."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, is_platform_admin=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail; with `service_team` no person but a service account of that team.

    `is_platform_admin` runs the whole installation, `is_auditor` reads it.
    """

    class Theme(models.TextChoices):
        AUTO = "auto", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Density(models.TextChoices):
        NORMAL = "normal", "Normal"
        COMPACT = "compact", "Compact"

    public_id = models.CharField(max_length=40, unique=True, default=new_user_id, editable=False)
    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=60, default="UTC", help_text="IANA time zone, such as Europe/Berlin.")
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    density = models.CharField(max_length=7, choices=Density.choices, default=Density.NORMAL)
    has_shortcuts = models.BooleanField(default=True)
    wants_mail = models.BooleanField(default=True, help_text="Notices are sent by e-mail too.")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_platform_admin = models.BooleanField(default=False)
    is_auditor = models.BooleanField(default=False)
    service_team = models.ForeignKey(
        "Team", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def get_session_auth_hash(self) -> str:
        """Return what a session is good for: another password or epoch ends those that there are."""
        return f"{super().get_session_auth_hash()}.{self.session_epoch}"

    @property
    def is_service_account(self) -> bool:
        """Say whether a team's program acts, not a person."""
        return self.service_team_id is not None

    @property
    def sees_everything(self) -> bool:
        """Say whether all teams' things are theirs to read."""
        return self.is_platform_admin or self.is_auditor

    @property
    def platform_role(self) -> str:
        """Return their role in the whole installation, a value of PlatformRole."""
        return "admin" if self.is_platform_admin else "auditor" if self.is_auditor else "none"

    def __str__(self) -> str:
        return self.name or self.email


class Team(models.Model):
    """A team owns APIs and applications. `required_approvals` 0 means that one person may publish alone.

    `ancestor_ids` are the keys of the teams above it, the top one first: roles there count here (ADR 11).
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_team_id, editable=False)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    ancestor_ids = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    slug = models.CharField(max_length=60, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    contact_email = models.EmailField(blank=True)
    required_approvals = models.PositiveSmallIntegerField(default=1)
    minimum_notice_days = models.PositiveSmallIntegerField(default=30)
    reviewer_role = models.CharField(
        max_length=10,
        choices=[("publisher", "All who may review"), ("owner", "Those of them who manage the team")],
        default="publisher",
    )
    review_checklist = models.TextField(blank=True, help_text="One line each; who approves ticks all of them.")
    row_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["name"]
        indexes = [GinIndex(fields=["ancestor_ids"], name="team_ancestors")]

    def __str__(self) -> str:
        return self.name

    @property
    def lineage(self) -> list[int]:
        """Return the keys of the team and of those above it, the nearest first."""
        return [self.pk, *reversed(self.ancestor_ids)]

    @property
    def checklist(self) -> list[str]:
        """Return the lines that a reviewer ticks."""
        return [line.strip() for line in self.review_checklist.splitlines() if line.strip()]


class PlatformRole(models.TextChoices):
    """What somebody is to the whole installation."""

    NONE = "none", "None: what their teams give them"
    AUDITOR = "auditor", "Auditor: sees everything, changes nothing"
    ADMIN = "admin", "Platform admin: everything, everywhere"


class Membership(RoleHolder):
    """One person's role in one team; `provider` gave it by a group, and may change or take it at the next sign-in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    provider = models.ForeignKey(
        "SignInProvider", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta(RoleHolder.Meta):
        constraints = [
            *RoleHolder.Meta.constraints, models.UniqueConstraint(fields=["user", "team"], name="membership_once")
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.user} · {self.team} · {self.role_slug}"


class Invitation(RoleHolder):
    """An offer of a role to an e-mail address; only the keyed hash of its code is kept."""

    public_id = models.CharField(max_length=40, unique=True, default=new_invitation_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta(RoleHolder.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.email} to {self.team}"


class AccessToken(models.Model):
    """A personal access token for the REST API: acts as its user until it expires or is revoked."""

    public_id = models.CharField(max_length=40, unique=True, default=new_token_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=120)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=24, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.hint}"
