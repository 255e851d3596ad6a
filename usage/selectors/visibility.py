"""Whose calls and whose money a person may see.

Calls: those a team of theirs made or provided. Money: by their permissions in a team, what its applications spent
(`costs.view`) and what the calls of its APIs cost (`costs.callers`). A platform admin and an auditor see everything.
Who takes over an API or an application sees its earlier calls too; what those cost stays with the team of that time.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from apis.models import Transfer
from common.permission_names import TeamPermission
from teams.models import User
from teams.roles import permissions_by_team


@dataclass(frozen=True, slots=True)
class Sight:
    """The public ids of the teams a person is in, of those whose spending and whose callers' costs they may see, and of
    what these took over from others.
    """

    is_everything: bool
    team_ids: frozenset[str] = frozenset()
    spending_ids: frozenset[str] = frozenset()
    providing_ids: frozenset[str] = frozenset()
    api_ids: frozenset[str] = frozenset()
    application_ids: frozenset[str] = frozenset()

    def may_see_call(self, *, team_id: str, owner_team_id: str, api_id: str = "", application_id: str = "") -> bool:
        """Say whether a call is the person's to see."""
        is_of_a_team = team_id in self.team_ids or owner_team_id in self.team_ids
        is_taken_over = api_id in self.api_ids or application_id in self.application_ids
        return self.is_everything or is_of_a_team or is_taken_over

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
        seen = Q(team_id__in=self.team_ids) | Q(owner_team_id__in=self.team_ids)
        return seen | Q(api_id__in=self.api_ids) | Q(application_id__in=self.application_ids)

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

    seen = those("team.view")
    is_ours = Q(api__team__public_id__in=seen) | Q(application__team__public_id__in=seen)
    taken = Transfer.objects.filter(is_ours, state=Transfer.State.ACCEPTED)
    taken_over = list(taken.values_list("api__public_id", "application__public_id")) if seen else []
    return Sight(
        is_everything=False,
        team_ids=seen,
        spending_ids=those("costs.view"),
        providing_ids=those("costs.callers"),
        api_ids=frozenset(api for api, _ in taken_over if api),
        application_ids=frozenset(application for _, application in taken_over if application),
    )
