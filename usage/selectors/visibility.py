"""Whose calls and whose money a person may see.

Calls: those a team of theirs made or provided. Money: what their own teams' applications spent, and what the calls of
an API cost for publishers and owners of its team. A platform admin and an auditor see everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from teams.models import Role, User
from teams.roles import RANK


@dataclass(frozen=True, slots=True)
class Sight:
    """The public ids of the teams a person is in, and of those where they are publisher or owner."""

    is_everything: bool
    team_ids: frozenset[str] = frozenset()
    publishing_ids: frozenset[str] = frozenset()

    def may_see_call(self, *, team_id: str, owner_team_id: str) -> bool:
        """Say whether a call is the person's to see."""
        return self.is_everything or team_id in self.team_ids or owner_team_id in self.team_ids

    def may_see_money(self, *, team_id: str, owner_team_id: str) -> bool:
        """Say whether the cost of a call is the person's to see."""
        return self.is_everything or team_id in self.team_ids or owner_team_id in self.publishing_ids

    def may_see_provided(self, team_id: str) -> bool:
        """Say whether the cost of the calls of a team's APIs is the person's to see."""
        return self.is_everything or team_id in self.publishing_ids

    @property
    def calls(self) -> Q:
        """Return the filter of the calls to be seen."""
        if self.is_everything:
            return Q()
        return Q(team_id__in=self.team_ids) | Q(owner_team_id__in=self.team_ids)

    @property
    def hidden_money(self) -> Q:
        """Return the filter of the calls whose cost is not to be seen."""
        if self.is_everything:
            return Q(pk__in=[])
        return ~(Q(team_id__in=self.team_ids) | Q(owner_team_id__in=self.publishing_ids))


EVERYTHING = Sight(is_everything=True)


def sight_of(user: User | None) -> Sight:
    """Return what a person may see; None is the system itself."""
    if user is None or user.sees_everything:
        return EVERYTHING
    held = list(user.memberships.values_list("team__public_id", "role"))
    return Sight(
        is_everything=False,
        team_ids=frozenset(team for team, _ in held),
        publishing_ids=frozenset(team for team, role in held if RANK[Role(role)] >= RANK[Role.PUBLISHER]),
    )
