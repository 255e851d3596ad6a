"""What is asked of teams: who is in them, their applications and keys, their audit log."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from common.clock import now
from common.errors import NotFound
from common.sealed import hash_secret
from teams.models import (
    Application,
    AuditEvent,
    Credential,
    Delivery,
    Event,
    Invitation,
    Membership,
    Notice,
    Team,
    User,
    Webhook,
)
from teams.roles import teams_of, teams_with

NOTHING = "There is nothing here, or it is not shared with you."


def team_for(user: User, slug: str) -> Team:
    """Return a team the person is in (any, for a platform admin) by slug or public id; raise NotFound."""
    team = teams_of(user).filter(Q(slug=slug) | Q(public_id=slug)).first()
    if team is None:
        raise NotFound(NOTHING)
    return team


def members_of(team: Team) -> QuerySet[Membership]:
    """Return the memberships of a team with their people."""
    return Membership.objects.filter(team=team).select_related("user").order_by("user__name", "id")


def membership_for(user: User, team: Team, member_id: str) -> Membership:
    """Return one membership by its person's public id."""
    found = Membership.objects.filter(team=team, user__public_id=member_id).select_related("user", "team").first()
    if found is None:
        raise NotFound(NOTHING)
    return found


def open_invitations(team: Team) -> QuerySet[Invitation]:
    """Return the invitations that can still be accepted."""
    return (
        Invitation.objects.filter(team=team, accepted_at=None, withdrawn_at=None, expires_at__gt=now())
        .select_related("invited_by", "team")
        .order_by("-id")
    )


def invitation_by_code(code: str) -> Invitation:
    """Return the open invitation of a code; raise NotFound."""
    found = (
        Invitation.objects.select_related("team", "invited_by")
        .filter(code_hash=hash_secret(code), accepted_at=None, withdrawn_at=None, expires_at__gt=now())
        .first()
    )
    if found is None:
        raise NotFound("This invitation was used, withdrawn or has expired. Ask for a new one.")
    return found


def applications_for(user: User) -> QuerySet[Application]:
    """Return the applications of the person's teams."""
    return Application.objects.filter(team__in=teams_of(user)).select_related("team", "created_by")


def application_for(user: User, public_id: str) -> Application:
    """Return one application the person may see; raise NotFound."""
    found = applications_for(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(NOTHING)
    return found


def credential_for(user: User, public_id: str) -> Credential:
    """Return one key of an application the person may see; raise NotFound."""
    found = (
        Credential.objects.filter(public_id=public_id, application__in=applications_for(user))
        .select_related("application__team", "created_by")
        .first()
    )
    if found is None:
        raise NotFound(NOTHING)
    return found


def audit_for(user: User) -> QuerySet[AuditEvent]:
    """Return the audit entries a person may read: all, or their own and their owned teams'."""
    events = AuditEvent.objects.select_related("actor", "team")
    if user.sees_everything:
        return events
    return events.filter(Q(team__in=teams_with(user, "audit.view")) | Q(actor=user))


def events_for(user: User) -> QuerySet[Event]:
    """Return the events in the feeds of a person's teams; `number` is null for what has just been committed."""
    return Event.objects.filter(team__in=teams_of(user)).exclude(number=None).select_related("team")


def webhooks_for(user: User) -> QuerySet[Webhook]:
    """Return the webhooks of the teams a person owns."""
    return Webhook.objects.filter(team__in=teams_with(user, "team.manage")).select_related("team", "created_by")


def webhook_for(user: User, public_id: str) -> Webhook:
    """Return one webhook of a team the person owns; raise NotFound."""
    found = webhooks_for(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(NOTHING)
    return found


def deliveries_of(webhook: Webhook) -> QuerySet[Delivery]:
    """Return a webhook's deliveries with their events, newest first."""
    return webhook.deliveries.select_related("event", "webhook__team").order_by("-id")


def notices_for(user: User) -> QuerySet[Notice]:
    """Return a person's notices, newest first."""
    return Notice.objects.filter(user=user)


def unread_count(user: User) -> int:
    """Return how many notices a person has not read, 100 at most."""
    return notices_for(user).filter(read_at=None).order_by()[:100].count()
