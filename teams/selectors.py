"""What is asked of teams: who is in them, their applications and keys, their audit log."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from common.clock import now
from common.errors import NotFound
from common.sealed import hash_secret
from teams.models import (
    Application,
    AuditEvent,
    Credential,
    CustomRole,
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
from teams.second_factor import has_factor_of

NOTHING = "There is nothing here, or it is not shared with you."


def team_for(user: User, slug: str) -> Team:
    """Return a team the person is in (any, for a platform admin) by slug or public id; raise NotFound."""
    team = teams_of(user).select_related("parent").filter(Q(slug=slug) | Q(public_id=slug)).first()
    if team is None:
        raise NotFound(NOTHING)
    return team


def members_of(team: Team) -> QuerySet[Membership]:
    """Return the memberships of a team's people; `has_factor` says who has a second factor."""
    own = Membership.objects.filter(team=team, user__service_team=None)
    rows = own.select_related("user", "custom_role").order_by("user__name", "id")
    return rows.annotate(has_factor=has_factor_of("user"))


def inherited_members(team: Team) -> QuerySet[Membership]:
    """Return the memberships in teams above that count in a team too."""
    people = Membership.objects.filter(team__in=team.ancestor_ids, user__service_team=None)
    rows = people.select_related("user", "custom_role", "team")
    return rows.order_by("user__name", "id")


def teams_above(team: Team) -> list[Team]:
    """Return the teams above a team, the top one first."""
    rows = Team.objects.in_bulk(team.ancestor_ids)
    return [rows[pk] for pk in team.ancestor_ids]


def membership_for(user: User, team: Team, member_id: str) -> Membership:
    """Return one membership by its person's public id."""
    rows = Membership.objects.select_related("user", "team", "custom_role")
    found = rows.filter(team=team, user__public_id=member_id, user__service_team=None).first()
    if found is None:
        raise NotFound(NOTHING)
    return found


def usable_roles(team: Team | None) -> list[CustomRole]:
    """Return the custom roles usable in a team: its own, those of teams above it, those of every team.

    Of two with one slug the nearer counts. For None those of every team.
    """
    lineage = team.lineage if team else []
    rows = CustomRole.objects.select_related("team").filter(Q(team=None) | Q(team__in=lineage))
    nearest: dict[str, CustomRole] = {}
    for role in sorted(rows, key=lambda role: lineage.index(role.team_id) if role.team_id else len(lineage)):
        nearest.setdefault(role.slug, role)
    return list(nearest.values())


@dataclass(frozen=True, slots=True)
class RoleUse:
    """Who holds a custom role, and how many open invitations offer it."""

    members: list[Membership]
    invitations: int

    @property
    def is_used(self) -> bool:
        """Say whether it cannot go without a replacement."""
        return bool(self.members or self.invitations)

    @property
    def team_names(self) -> list[str]:
        """Return the teams of those who hold it."""
        return sorted({row.team.name for row in self.members})

    @property
    def sentence(self) -> str:
        """Say whom a change hits."""
        if not self.is_used:
            return "Nobody has this role, and no open invitation offers it."
        people, teams = len(self.members), len(self.team_names)
        parts = [f"{people} member{'' if people == 1 else 's'} of {teams} team{'' if teams == 1 else 's'}"]
        if self.invitations:
            parts.append(f"{self.invitations} open invitation{'' if self.invitations == 1 else 's'}")
        verb = "have" if people + self.invitations != 1 else "has"
        return f"{' and '.join(parts)} {verb} this role."


def role_use(role: CustomRole) -> RoleUse:
    """Return who is hit by a change of a role."""
    members = role.memberships.select_related("user", "team").order_by("team__name", "user__name", "pk")
    invitations = role.invitations.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now())
    return RoleUse(list(members), invitations.count())


def roles_in_use() -> dict[int, int]:
    """Return how many members hold each custom role, by its key."""
    held = Membership.objects.exclude(custom_role=None).order_by().values_list("custom_role")
    return dict(held.annotate(n=Count("pk")))


def open_invitations(team: Team) -> QuerySet[Invitation]:
    """Return the invitations that can still be accepted."""
    return (
        Invitation.objects.filter(team=team, accepted_at=None, withdrawn_at=None, expires_at__gt=now())
        .select_related("invited_by", "team", "custom_role")
        .order_by("-id")
    )


def invitation_by_code(code: str) -> Invitation:
    """Return the open invitation of a code; raise NotFound."""
    found = (
        Invitation.objects.select_related("team", "invited_by", "custom_role")
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
    events = AuditEvent.objects.select_related("actor__service_team", "team")
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
