"""Whose calls and whose money a person may see.

Calls: those a team of theirs made or provided. Money: by their permissions in a team, what its applications spent
(`costs.view`) and what the calls of its APIs cost (`costs.callers`). A platform admin and an auditor see everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from common.permission_names import TeamPermission
from teams.models import User
from teams.roles import permissions_by_team


@dataclass(frozen=True, slots=True)
class Sight:
    """The public ids of the teams a person is in, of those whose spending and whose callers' costs they may see."""

    is_everything: bool
    team_ids: frozenset[str] = frozenset()
    spending_ids: frozenset[str] = frozenset()
    providing_ids: frozenset[str] = frozenset()

    def may_see_call(self, *, team_id: str, owner_team_id: str) -> bool:
        """Say whether a call is the person's to see."""
        return self.is_everything or team_id in self.team_ids or owner_team_id in self.team_ids

    def may_see_money(self, *, team_id: str, owner_team_id: str) -> bool:
        """Say whether the cost of a call is the person's to see."""
        return self.is_everything or team_id in self.spending_ids or owner_team_id in self.providing_ids

    def may_see_provided(self, team_id: str) -> bool:
        """Say whether the cost of the calls of a team's APIs is the person's to see."""
        return self.is_everything or team_id in self.providing_ids

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
        return ~(Q(team_id__in=self.spending_ids) | Q(owner_team_id__in=self.providing_ids))


EVERYTHING = Sight(is_everything=True)


def sight_of(user: User | None) -> Sight:
    """Return what a person may see; None is the system itself."""
    if user is None or user.sees_everything:
        return EVERYTHING
    held = permissions_by_team(user)

    def those(permission: TeamPermission) -> frozenset[str]:
        return frozenset(team.public_id for team, allowed in held.items() if permission in allowed)

    return Sight(
        is_everything=False,
        team_ids=those("team.view"),
        spending_ids=those("costs.view"),
        providing_ids=those("costs.callers"),
    )
