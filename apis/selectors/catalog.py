"""The catalog: what a person may find, with facets, in a fixed number of queries over entries made beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, CharField, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Func

from apis.lifecycle import LISTED
from apis.models import Api, ApiVersion, Share
from apis.selectors.visibility import previewed_versions
from apis.words import words_of
from teams.models import Role, User
from teams.roles import teams_of

MAX_WORDS = 8
NEAR = 0.4
ORDERS = {"name": ("name", "pk"), "newest": ("-entry__published_at", "name"), "used": ("-entry__used_by", "name")}


@dataclass(frozen=True, slots=True)
class CatalogFilters:
    """What the catalog is narrowed to; "" or False means not at all.

    `has_drafts` adds what own teams have not published yet; `is_mine` is own teams' APIs alone, drafts included;
    `is_favourite` those the person keeps at hand. `order` is name, newest, used, or "" for the best match first.
    """

    words: str = ""
    kind: str = ""
    team: str = ""
    state: str = ""
    tag: str = ""
    category: str = ""
    collection: str = ""
    order: str = ""
    is_mine: bool = False
    has_drafts: bool = False
    is_favourite: bool = False

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything is filtered at all."""
        return replace(self, order="") != CatalogFilters()


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
    categories: tuple[FacetValue, ...]
    tags: tuple[FacetValue, ...]


class Catalog:
    """What one person may find under some filters; who they are is asked once."""

    def __init__(self, user: User, filters: CatalogFilters | None = None) -> None:
        self.user, self.filters = user, filters or CatalogFilters()
        self._shown = _shown(user, self.filters)

    def apis(self) -> QuerySet[Api]:
        """Return the APIs, each with `shown_version_id` and `shown_state`, in the order asked for."""
        apis = search_apis(_narrow(self._shown, self.filters), self.filters.words)
        return apis.order_by(*ORDERS[self.filters.order]) if self.filters.order in ORDERS else apis

    def nearest(self) -> list[Api]:
        """Return up to five APIs whose names look like words that nothing was found for: `ordres` finds Orders."""
        phrase = words_of(self.filters.words)
        if not phrase:
            return []
        likeness = TrigramWordSimilarity(phrase, "entry__title_words")
        apis = self._shown.annotate(likeness=likeness).filter(likeness__gt=NEAR)
        return list(apis.order_by("-likeness", "name")[:5])

    def facets(self) -> Facets:
        """Count the values of each facet under the other filters: five queries."""
        kinds, states = dict(Api.Kind.choices), dict(ApiVersion.State.choices)
        tags = self._others("tag").annotate(each_tag=Func(F("tags"), function="unnest"))
        tag_counts = tags.values_list("each_tag").annotate(n=Count("pk")).order_by("-n", "each_tag")[:50]
        return Facets(
            kinds=tuple(FacetValue(value, kinds[value], n) for value, n in self._counted("kind", "kind")),
            teams=tuple(FacetValue(*row) for row in self._counted("team", "team__slug", "team__name")[:50]),
            states=tuple(FacetValue(value, states[value], n) for value, n in self._counted("state", "shown_state")),
            categories=tuple(FacetValue(name, name, n) for name, n in self._counted("category", "category") if name),
            tags=tuple(FacetValue(tag, tag, n) for tag, n in tag_counts),
        )

    def _others(self, facet: str) -> QuerySet[Any]:
        without: dict[str, Any] = {facet: ""}
        others = replace(self.filters, **without)
        return search_apis(_narrow(self._shown, others), others.words).order_by()

    def _counted(self, facet: str, *fields: str) -> list[Any]:
        return list(self._others(facet).values_list(*fields).annotate(n=Count("pk")).order_by("-n", *fields))


def _shown(user: User, filters: CatalogFilters) -> QuerySet[Api]:
    """Return what a person may find, with the version that is shown to them."""
    mine = list(teams_of(user, Role.DEVELOPER if filters.is_mine else Role.VIEWER).values_list("pk", flat=True))
    # Few at any time: a preview is for listed applications.
    previews = dict(previewed_versions(user).values_list("api_id", "pk"))
    is_own, is_previewed = Q(team__in=mine), Q(pk__in=list(previews))
    is_listed = Q(entry__listed_state__in=LISTED)
    if not user.is_platform_admin:
        is_listed &= is_own | _shared_with(mine)
    shows_drafts = filters.is_mine or filters.has_drafts
    found = is_own & Q(entry__best__isnull=False) if shows_drafts else Q(pk__in=[])
    versions: list[When] = []
    states: list[When] = []

    def show(condition: Q, version: Any, state: Any) -> None:
        versions.append(When(condition, then=version))
        states.append(When(condition, then=state))

    if shows_drafts:
        show(is_own, F("entry__best"), F("entry__best_state"))
    show(is_listed & ~Q(entry__listed_state="retired"), F("entry__listed"), F("entry__listed_state"))
    for api, version in previews.items():
        show(Q(pk=api), Value(version), Value("preview"))
    show(is_listed, F("entry__listed"), F("entry__listed_state"))
    apis = Api.objects.select_related("team", "entry").annotate(
        shown_version_id=Case(*versions, output_field=IntegerField()),
        shown_state=Case(*states, output_field=CharField()),
    )
    if filters.is_favourite:
        apis = apis.filter(favourites__user=user)
    return apis.filter(found) if filters.is_mine else apis.filter(found | is_listed | is_previewed)


def _shared_with(teams: list[int]) -> Q:
    shared = Share.objects.filter(team__in=teams).values("api")
    return Q(visibility=Api.Visibility.EVERYONE) | Q(visibility=Api.Visibility.SHARED, pk__in=shared)


def search_apis(apis: QuerySet[Api], words: str) -> QuerySet[Api]:
    """Narrow to APIs that hold every word, or a word that begins with it; the best match comes first.

    Looked through are name, summary, tags, category, team, path, and of what is served operations, schemas and texts.
    """
    tokens = words_of(words).split()[:MAX_WORDS]
    if not tokens:
        # Signs alone are in no text.
        return apis.none() if words.strip() else apis.order_by("name", "pk")
    query = _query(tokens)
    phrase = " ".join(tokens)
    apis = apis.filter(Q(entry__vector=query) | Q(entry__title_words__contains=phrase))
    plain = " ".join(words.split())
    closeness = Case(
        When(name__iexact=plain, then=Value(0)),
        When(name__istartswith=plain, then=Value(1)),
        When(name__icontains=plain, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return apis.annotate(closeness=closeness, match=SearchRank(F("entry__vector"), query)).order_by(
        "closeness", "-match", "name", "pk"
    )


def _query(tokens: Sequence[str]) -> Any:
    """Return a query that asks for every token: as the begin of a word, or by its English stem."""
    whole: Any = None
    for token in tokens:
        # Tokens hold letters and digits alone, so they can stand in the query as they are.
        part = SearchQuery(f"{token}:*", config="simple", search_type="raw") | SearchQuery(token, config="english")
        whole = part if whole is None else whole & part
    return whole


def catalog_rows(apis: Sequence[Api] | QuerySet[Api]) -> list[CatalogRow]:
    """Return the rows of one page of `Catalog.apis`: two queries, however many rows."""
    page = list(apis)
    versions = ApiVersion.objects.select_related("successor__api").in_bulk(
        [api.shown_version_id for api in page]  # type: ignore[attr-defined]
    )
    rows = []
    for api in page:
        version = versions[api.shown_version_id]  # type: ignore[attr-defined]
        version.api = api
        rows.append(CatalogRow(api, version, api.entry.used_by))
    return rows


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
    if filters.category:
        apis = apis.filter(category=filters.category)
    if filters.collection:
        apis = apis.filter(collections__slug=filters.collection)
    return apis
