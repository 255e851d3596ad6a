"""Who uses an API: counts for everybody, names for those they concern."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from apis import ports
from apis.models import Api, Subscription
from apis.selectors.visibility import visible_subscriptions
from teams.models import Application, User

LIVE = ("active", "change_pending")


@dataclass(frozen=True, slots=True)
class UsedBy:
    """How many applications, of how many teams, have a live subscription; how many applications called in 30 days."""

    applications: int
    teams: int
    callers: int


def live_counts(api: str) -> dict[str, Any]:
    """Return annotations `live_applications` and `live_teams` for rows whose field `api` is the key of an API."""
    live = Subscription.objects.filter(version__api=OuterRef(api), state__in=LIVE).order_by().values("version__api")
    return {
        name: Coalesce(Subquery(live.annotate(n=Count(counted, distinct=True)).values("n")), 0)
        for name, counted in (("live_applications", "application"), ("live_teams", "application__team"))
    }


def caller_counts(apis: Iterable[int]) -> dict[int, int]:
    """Return how many applications called each API (by its key) in the last 30 days; without any it is absent."""
    if ports.caller_counts is None:
        raise RuntimeError("apis.ports.caller_counts is not filled (apis.E001).")
    return ports.caller_counts(apis)


def used_by(api: Api) -> UsedBy:
    """Return who uses an API: two queries."""
    row: Any = Api.objects.annotate(**live_counts("pk")).get(pk=api.pk)
    return UsedBy(row.live_applications, row.live_teams, caller_counts([api.pk]).get(api.pk, 0))


def named_users(api: Api, user: User, limit: int) -> list[Application]:
    """Return applications that use an API and that a person may know of: of an own API all, else those of own teams."""
    live = visible_subscriptions(user).filter(version__api=api, state__in=LIVE).order_by().values("application")
    return list(Application.objects.filter(pk__in=live).select_related("team").order_by("name", "pk")[:limit])
