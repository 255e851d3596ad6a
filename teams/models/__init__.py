"""The rows of teams."""

from teams.models.applications import Application, Credential
from teams.models.audit import AuditAnchor, AuditEvent, FormToken
from teams.models.custom_roles import CustomRole, Role
from teams.models.events import Delivery, Event, Notice, Webhook
from teams.models.people import AccessToken, Invitation, Membership, PlatformRole, Team, User
from teams.models.sign_in import GroupRole, Identity, SignInProvider

__all__ = [
    "AccessToken",
    "Application",
    "AuditAnchor",
    "AuditEvent",
    "Credential",
    "CustomRole",
    "Delivery",
    "Event",
    "FormToken",
    "GroupRole",
    "Identity",
    "Invitation",
    "Membership",
    "Notice",
    "PlatformRole",
    "Role",
    "SignInProvider",
    "Team",
    "User",
    "Webhook",
]
