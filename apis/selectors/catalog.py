"""The catalog: what a person may find, with facets, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Func
from django.db.models.functions import Coalesce

from apis.models import Api, ApiVersion, Operation, Subscription
from apis.selectors.versions import by_rank
from apis.selectors.visibility import listed_for, visible_apis
from teams.models import Role, User
from teams.roles import teams_of

MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class CatalogFilters:
    """What the catalog is narrowed to; "" or False means not at all.

    `has_drafts` adds what own teams have not published yet; `is_mine` is own teams' APIs alone, drafts included.
    """

    words: str = ""
    kind: str = ""
    team: str = ""
    state: str = ""
    tag: str = ""
    is_mine: bool = False
    has_drafts: bool = False


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One API with the version its row speaks of and how many applications use it."""

    api: Api
    version: ApiVersion
    used_by: int


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value to narrow to, its words and how many APIs it leaves."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of each facet, most frequent first; each counts under the other filters."""

    kinds: tuple[FacetValue, ...]
    teams: tuple[FacetValue, ...]
    states: tuple[FacetValue, ...]
    tags: tuple[FacetValue, ...]


def catalog_apis(user: User, filters: CatalogFilters | None = None) -> QuerySet[Api]:
    """Return the APIs of the catalog, each with `shown_version_id`, `shown_state` and `used_by`, best match first."""
    filters = filters or CatalogFilters()
    apis = visible_apis(user)
    if filters.is_mine:
        apis = apis.filter(team__in=teams_of(user, Role.DEVELOPER).values("pk"))
    is_listed = listed_for(user)
    if filters.is_mine or filters.has_drafts:
        is_listed |= Q(api__team__in=teams_of(user).values("pk"))
    shown = by_rank(ApiVersion.objects.filter(is_listed, api=OuterRef("pk")))
    live = Subscription.objects.filter(version__api=OuterRef("pk"), state__in=["active", "change_pending"])
    apis = apis.annotate(
        shown_version_id=Subquery(shown.values("pk")[:1]),
        shown_state=Subquery(shown.values("state")[:1]),
        used_by=Coalesce(
            Subquery(
                live.order_by().values("version__api").annotate(n=Count("application", distinct=True)).values("n")
            ),
            0,
        ),
    ).filter(shown_version_id__isnull=False)
    apis = _narrow(apis, filters)
    return search_apis(apis, filters.words)


def search_apis(apis: QuerySet[Api], words: str) -> QuerySet[Api]:
    """Narrow to APIs that hold every word in name, summary, tags, team, path or an operation, best match first."""
    wanted = words.split()[:MAX_WORDS]
    if not wanted:
        return apis.order_by("name", "pk")
    apis = apis.annotate(tag_words=Func(F("tags"), Value(" "), function="array_to_string", output_field=TextField()))
    for word in wanted:
        operation = Operation.objects.filter(revision__version__api=OuterRef("pk"), revision__state="current").filter(
            Q(summary__icontains=word) | Q(path__icontains=word) | Q(operation_id__icontains=word)
        )
        apis = apis.filter(
            Q(name__icontains=word)
            | Q(summary__icontains=word)
            | Q(slug__icontains=word)
            | Q(tag_words__icontains=word)
            | Q(team__name__icontains=word)
            | Q(base_path__icontains=word)
            | Exists(operation)
        )
    phrase = " ".join(wanted)
    closeness = Case(
        When(name__iexact=phrase, then=Value(0)),
        When(name__istartswith=phrase, then=Value(1)),
        When(name__icontains=phrase, then=Value(2)),
        When(tag_words__icontains=phrase, then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    return apis.annotate(closeness=closeness).order_by("closeness", "name", "pk")


def catalog_rows(apis: Sequence[Api] | QuerySet[Api]) -> list[CatalogRow]:
    """Return the rows of one page of `catalog_apis`: two queries, however many rows."""
    page = list(apis)
    versions = ApiVersion.objects.select_related("successor__api").in_bulk(
        [api.shown_version_id for api in page]  # type: ignore[attr-defined]
    )
    rows = []
    for api in page:
        version = versions[api.shown_version_id]  # type: ignore[attr-defined]
        version.api = api
        rows.append(CatalogRow(api, version, api.used_by))  # type: ignore[attr-defined]
    return rows


def facets(user: User, filters: CatalogFilters | None = None) -> Facets:
    """Count the values of each facet under the other filters: four queries."""
    filters = filters or CatalogFilters()

    def counted(field: str, without: CatalogFilters) -> list[tuple[str, int]]:
        apis: QuerySet[Any] = catalog_apis(user, without).order_by()
        return list(apis.values_list(field).annotate(n=Count("pk")).order_by("-n", field))

    kinds = dict(Api.Kind.choices)
    states = dict(ApiVersion.State.choices)
    teams = catalog_apis(user, replace(filters, team="")).order_by()
    team_counts = teams.values_list("team__slug", "team__name").annotate(n=Count("pk")).order_by("-n", "team__name")
    tags = catalog_apis(user, replace(filters, tag="")).order_by().annotate(tag=Func(F("tags"), function="unnest"))
    tag_counts = tags.values_list("tag").annotate(n=Count("pk")).order_by("-n", "tag")[:50]
    return Facets(
        kinds=tuple(FacetValue(value, kinds[value], n) for value, n in counted("kind", replace(filters, kind=""))),
        teams=tuple(FacetValue(slug, name, n) for slug, name, n in team_counts),
        states=tuple(
            FacetValue(value, states[value], n) for value, n in counted("shown_state", replace(filters, state=""))
        ),
        tags=tuple(FacetValue(tag, tag, n) for tag, n in tag_counts),
    )


def _narrow(apis: QuerySet[Api], filters: CatalogFilters) -> QuerySet[Api]:
    if filters.kind:
        apis = apis.filter(kind=filters.kind)
    if filters.team:
        apis = apis.filter(team__slug=filters.team)
    if filters.state:
        # An annotation that mypy cannot see.
        apis = apis.filter(Q(shown_state=filters.state))
    if filters.tag:
        apis = apis.filter(tags__contains=[filters.tag.lower()])
    return apis
