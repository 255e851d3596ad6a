"""Who uses an API: counts for everybody, names for those they concern."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from apis import ports
from apis.models import Api, Subscription
from apis.selectors.visibility import visible_subscriptions
from teams.models import Application, User

LIVE = ("active", "change_pending")


@dataclass(frozen=True, slots=True)
class UsedBy:
    """How many applications, of how many teams, have a live subscription; how many applications called in 30 days."""

    applications: int = 0
    teams: int = 0
    callers: int = 0


def used_by(apis: Iterable[int]) -> dict[int, UsedBy]:
    """Return who uses each API, by its key: two queries, however many."""
    if ports.caller_counts is None:
        raise RuntimeError("apis.ports.caller_counts is not filled (apis.E001).")
    keys = list(apis)
    callers = ports.caller_counts(keys)
    live = Subscription.objects.filter(version__api__in=keys, state__in=LIVE).order_by().values_list("version__api")
    counted = live.annotate(Count("application", distinct=True), Count("application__team", distinct=True))
    subscribed = {api: counts for api, *counts in counted}
    return {key: UsedBy(*subscribed.get(key, (0, 0)), callers.get(key, 0)) for key in keys}


def named_users(api: Api, user: User, limit: int) -> list[Application]:
    """Return applications with a live subscription that a person may know of: all of an own API, else those of own teams."""
    live = visible_subscriptions(user).filter(version__api=api, state__in=LIVE).order_by().values("application")
    return list(Application.objects.filter(pk__in=live).select_related("team").order_by("name", "pk")[:limit])
