"""Which application uses which API: subscriptions with the calls made under them in the last 30 days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Coalesce

from apis.selectors import visible_subscriptions
from apis.services.retirement import ENDED_BY_RETIREMENT
from apis.services.subscriptions import OVER
from teams.models import User


@dataclass(frozen=True, slots=True)
class DependencyFilters:
    """What dependencies are narrowed to; "" or False means not at all.

    `team` is a slug, on either side. `api` is `team/slug` and `application` `team/name`; both also take a public id, or
    a part of the name. `state` is that of the version. `has_neighbours` adds what the found applications use besides,
    and who else uses the found APIs.
    """

    team: str = ""
    api: str = ""
    application: str = ""
    state: str = ""
    is_called: bool = False
    has_neighbours: bool = False

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything is filtered at all."""
        return replace(self, has_neighbours=False) != DependencyFilters()


def dependencies_for(user: User, filters: DependencyFilters | None = None) -> QuerySet[Any]:
    """Return the subscriptions a person may see, each with `calls_30_days` and `last_call_at`.

    Those not over, and those that a retirement ended whose applications called within the 30 days.
    """
    filters = filters or DependencyFilters()
    rows = (
        visible_subscriptions(user)
        .select_related(None)
        .select_related("application__team", "version__api__team", "plan")
        .annotate(use=FilteredRelation("version__uses", condition=Q(version__uses__application=F("application"))))
        .annotate(calls_30_days=Coalesce("use__calls", 0), last_call_at=F("use__last_at"))
    )
    cut_off = Q(state="ended", reason=ENDED_BY_RETIREMENT, version__state="retired", calls_30_days__gt=0)
    return _narrow(rows.filter(~Q(state__in=OVER) | cut_off), filters)


def _narrow(rows: QuerySet[Any], filters: DependencyFilters) -> QuerySet[Any]:
    if filters.team:
        rows = rows.filter(Q(application__team__slug=filters.team) | Q(version__api__team__slug=filters.team))
    if filters.state:
        rows = rows.filter(version__state=filters.state)
    if filters.is_called:
        rows = rows.filter(calls_30_days__gt=0)
    found = rows
    if filters.api:
        found = found.filter(_of_api(filters.api))
    if filters.application:
        found = found.filter(_of_application(filters.application))
    if not filters.has_neighbours or found is rows:
        return found
    found = found.order_by()
    return rows.filter(
        Q(application__in=found.values("application")) | Q(version__api__in=found.values("version__api"))
    )


def _of_api(text: str) -> Q:
    team, _, slug = text.partition("/")
    exact = Q(version__api__team__slug=team, version__api__slug=slug) | Q(version__api__public_id=text)
    return exact | Q(version__api__name__icontains=text)


def _of_application(text: str) -> Q:
    team, _, name = text.partition("/")
    exact = Q(application__team__slug=team, application__name=name) | Q(application__public_id=text)
    return exact | Q(application__name__icontains=text)
