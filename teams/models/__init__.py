"""The rows of teams."""

from teams.models.applications import Application, Credential
from teams.models.audit import AuditEvent, FormToken
from teams.models.people import AccessToken, Invitation, Membership, Role, Team, User

__all__ = [
    "AccessToken",
    "Application",
    "AuditEvent",
    "Credential",
    "FormToken",
    "Invitation",
    "Membership",
    "Role",
    "Team",
    "User",
]
