"""Kind Membership: somebody's role in a team, by their e-mail address. People make their own accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from manifests.kinds.kind import Kind, Step, own_team
from manifests.schema import TEXT
from teams.models import Invitation, Membership, Team, User
from teams.selectors import members_of, open_invitations
from teams.services.people import change_role, invite_member, remove_member, withdraw_invitation


class MembershipKind(Kind[Membership | Invitation]):
    """A membership, or the invitation that becomes one. Addresses are personal: exported only when asked for."""

    name = "Membership"
    identity = ("team", "email")
    permission = "members.manage"
    properties = {
        "role": {**TEXT, "minLength": 1, "description": "owner, publisher, developer, viewer, or a custom role's slug."}
    }
    required = ("role",)
    is_exported = False
    removal = "remove"

    def find(self, metadata: Mapping[str, Any], actor: User) -> Membership | Invitation | None:
        """Return the membership, else the open invitation."""
        team, email = own_team(actor, metadata["team"]), str(metadata["email"]).strip()
        member = members_of(team).select_related("team").filter(user__email__iexact=email).first()
        return member or open_invitations(team).filter(email__iexact=email).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Membership | Invitation]:
        """Return a team's members, then those who are invited."""
        if team is None:
            return []
        members = members_of(team).select_related("team").order_by("user__email")
        joined = members.values("user__email")
        return [*members, *open_invitations(team).exclude(email__in=joined).order_by("email")]

    def identify(self, row: Membership | Invitation) -> dict[str, Any]:
        """Name it by team and address."""
        return {"team": row.team.slug, "email": row.user.email if isinstance(row, Membership) else row.email}

    def read(self, row: Membership | Invitation) -> dict[str, Any]:
        """Return the role."""
        return {"role": row.role_slug}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Invite them: only they can join."""
        team = own_team(step.actor, metadata["team"])
        invitation, _ = invite_member(team=team, email=metadata["email"], role=spec["role"], actor=step.actor)
        step.waiting = f"They have to accept the invitation until {invitation.expires_at:%-d %B %Y}."

    def update(self, row: Membership | Invitation, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Give a member another role; an open invitation is replaced by one for it."""
        if isinstance(row, Membership):
            change_role(membership=row, role=spec["role"], actor=step.actor)
        else:
            invite_member(team=row.team, email=row.email, role=spec["role"], actor=step.actor)

    def remove(self, row: Membership | Invitation, step: Step) -> None:
        """Take them out of the team, or the invitation back."""
        if isinstance(row, Membership):
            remove_member(membership=row, actor=step.actor)
        else:
            withdraw_invitation(invitation=row, actor=step.actor)

    def mark(self, row: Membership | Invitation) -> int:
        """Name team and address: an invitation and the membership it becomes are one thing."""
        email = self.identify(row)["email"].lower()
        return int(hashlib.sha256(f"{row.team_id} {email}".encode()).hexdigest()[:15], 16)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep a team's members together."""
        return f"{metadata['team']}/members.yaml"

    def url(self, row: Membership | Invitation) -> str:
        """Return the page of the team's members."""
        return f"/teams/{row.team.slug}/members"
