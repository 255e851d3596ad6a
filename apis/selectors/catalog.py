"""The catalog: what a person may find, with facets, in a fixed number of queries over entries made beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, CharField, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Func

from apis.lifecycle import LISTED
from apis.models import Api, ApiVersion, CatalogEntry, Share
from apis.selectors.used_by import UsedBy, caller_counts, live_counts
from apis.selectors.visibility import OPEN, Sight, sight_of
from apis.words import words_of
from teams.models import Team, User

MAX_WORDS = 8
NEAR = 0.4
MOST_VALUES = 50
ORDERS: dict[str, tuple[Any, ...]] = {
    "name": ("name", "pk"),
    "newest": ("-published_at", "name"),
    "used": ("-used_by", "name"),
    "score": (F("score").desc(nulls_last=True), "name"),
}
# Long, and no page shows them.
WORDS = ("title_words", "label_words", "operation_words", "body_words", "vector")
# The facets whose values are counted together, with the field of each.
COUNTED = {"kind": "kind", "team": "team", "state": "shown_state", "category": "category", "score": "score_band"}
# Lint scores as people sort them: from this score on -> word.
BANDS = ((90, "good", "90 and more"), (70, "fair", "70 to 89"), (0, "poor", "below 70"))


@dataclass(frozen=True, slots=True)
class CatalogFilters:
    """What the catalog is narrowed to; "" or False means not at all.

    `has_drafts` adds what own teams have not published yet; `is_mine` is own teams' APIs alone, drafts included;
    `is_favourite` those the person keeps at hand. `order` is name, newest, used, score, or "" for the best match first.
    """

    words: str = ""
    kind: str = ""
    team: str = ""
    state: str = ""
    tag: str = ""
    category: str = ""
    score: str = ""
    collection: str = ""
    order: str = ""
    is_mine: bool = False
    has_drafts: bool = False
    is_favourite: bool = False

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything is filtered at all."""
        return replace(self, order="") != CatalogFilters()

    @property
    def is_of_all(self) -> bool:
        """Say whether the APIs of others are looked through too, not only those of one's own or kept at hand."""
        return not (self.is_mine or self.is_favourite)


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One API with the version its row speaks of and who uses it."""

    api: Api
    version: ApiVersion
    users: UsedBy
    score: int | None


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value to narrow to, its words and how many APIs it leaves."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of each facet, most frequent first; each counts under the other filters, `total` under all."""

    total: int
    kinds: tuple[FacetValue, ...]
    teams: tuple[FacetValue, ...]
    states: tuple[FacetValue, ...]
    categories: tuple[FacetValue, ...]
    scores: tuple[FacetValue, ...]
    tags: tuple[FacetValue, ...]


class Catalog:
    """What one person may find under some filters; who they are is asked once."""

    def __init__(self, user: User, filters: CatalogFilters | None = None) -> None:
        self.user, self.filters = user, filters or CatalogFilters()
        self.sight = sight_of(user, "apis.design" if self.filters.is_mine else "team.view")
        self._shown = _shown(user, self.filters, self.sight)

    def entries(self) -> QuerySet[CatalogEntry]:
        """Return the entries, each with `shown_version_id` and `shown_state`, in the order asked for."""
        entries = search_entries(_narrow(self._shown, self.filters), self.filters.words).defer(*WORDS)
        return entries.order_by(*ORDERS[self.filters.order]) if self.filters.order in ORDERS else entries

    def nearest(self) -> list[Api]:
        """Return up to five APIs whose names look like words that nothing was found for: `ordres` finds Orders."""
        phrase = words_of(self.filters.words)
        if not phrase:
            return []
        likeness = TrigramWordSimilarity(phrase, "title_words")
        entries = self._shown.annotate(likeness=likeness).filter(likeness__gt=NEAR).select_related("api__team")
        return [entry.api for entry in entries.order_by("-likeness", "name")[:5]]

    def facets(self) -> Facets:
        """Count the values of each facet under the other filters: three queries."""
        kinds, states = dict(Api.Kind.choices), dict(ApiVersion.State.choices)
        counts, total = self._counts()
        often = dict(counts["team"].most_common(MOST_VALUES))
        teams = Team.objects.filter(pk__in=often).values_list("pk", "slug", "name")
        tags = self._without("tag").annotate(each_tag=Func(F("tags"), function="unnest"))
        tag_counts = tags.values_list("each_tag").annotate(n=Count("pk")).order_by("-n", "each_tag")[:MOST_VALUES]
        return Facets(
            total=total,
            kinds=_values((value, kinds[value], n) for value, n in counts["kind"].items()),
            teams=_values((slug, name, often[key]) for key, slug, name in teams),
            states=_values((value, states[value], n) for value, n in counts["state"].items()),
            categories=_values((name, name, n) for name, n in counts["category"].items() if name),
            scores=tuple(
                FacetValue(band, text, counts["score"][band]) for _, band, text in BANDS if counts["score"][band]
            ),
            tags=tuple(FacetValue(tag, tag, n) for tag, n in tag_counts),
        )

    def _counts(self) -> tuple[dict[str, Counter[Any]], int]:
        """Return for each facet but tags how often each value occurs under the other filters, and what all leave.

        The database counts the combinations that occur, which are few; what a facet leaves is summed here.
        """
        rows = self._without(*COUNTED).values_list(*COUNTED.values()).annotate(n=Count("pk"))
        chosen = {facet: getattr(self.filters, facet) for facet in COUNTED}
        if chosen["team"]:
            chosen["team"] = Team.objects.filter(slug=chosen["team"]).values_list("pk", flat=True).first() or -1
        counts: dict[str, Counter[Any]] = {facet: Counter() for facet in COUNTED}
        total = 0
        for *values, n in rows:
            misses = [facet for facet, value in zip(COUNTED, values, strict=True) if chosen[facet] not in ("", value)]
            total += 0 if misses else n
            for facet, value in zip(COUNTED, values, strict=True):
                # Under the other filters: a facet's own choice does not count against it.
                if not misses or misses == [facet]:
                    counts[facet][value] += n
        return counts, total

    def _without(self, *facets: str) -> QuerySet[Any]:
        without: dict[str, Any] = dict.fromkeys(facets, "")
        others = replace(self.filters, **without)
        return search_entries(_narrow(self._shown, others), others.words).order_by()


def _values(rows: Iterable[tuple[str, str, int]]) -> tuple[FacetValue, ...]:
    return tuple(FacetValue(*row) for row in sorted(rows, key=lambda row: (-row[2], row[1]))[:MOST_VALUES])


def _shown(user: User, filters: CatalogFilters, sight: Sight) -> QuerySet[CatalogEntry]:
    """Return what a person may find, with the version that is shown to them."""
    is_own, is_previewed = Q(team__in=sight.own), Q(api__in=list(sight.previews))
    is_listed = Q(listed_state__in=LISTED)
    if not user.sees_everything:
        is_listed &= is_own | _shared_with(sight)
    shows_drafts = filters.is_mine or filters.has_drafts
    versions: list[When] = []
    states: list[When] = []

    def show(condition: Q, version: Any, state: Any) -> None:
        versions.append(When(condition, then=version))
        states.append(When(condition, then=state))

    # The first that holds; what is found by none of these is listed.
    if shows_drafts:
        show(is_own & Q(best__isnull=False), F("best"), F("best_state"))
    for api, version in sight.previews.items():
        show(Q(api=api) & ~(is_listed & ~Q(listed_state="retired")), Value(version), Value("preview"))
    entries = CatalogEntry.objects.annotate(
        shown_version_id=Case(*versions, default=F("listed"), output_field=IntegerField()),
        shown_state=Case(*states, default=F("listed_state"), output_field=CharField()),
        score_band=Case(*(When(score__gte=least, then=Value(band)) for least, band, _ in BANDS), default=Value("")),
    )
    if filters.is_favourite:
        entries = entries.filter(api__favourites__user=user)
    found = is_own & Q(best__isnull=False)
    if filters.is_mine:
        return entries.filter(found)
    return entries.filter((found | is_listed if shows_drafts else is_listed) | is_previewed)


def _shared_with(sight: Sight) -> Q:
    shared = Share.objects.filter(team__in=sight.reach).values("api")
    return Q(visibility__in=OPEN) | Q(visibility=Api.Visibility.SHARED, api__in=shared)


def search_entries(entries: QuerySet[CatalogEntry], words: str) -> QuerySet[CatalogEntry]:
    """Narrow to APIs that hold every word, or a word that begins with it; the best match comes first.

    Looked through are name, summary, tags, category, team, path, and of what is served operations, schemas and texts.
    """
    tokens = words_of(words).split()[:MAX_WORDS]
    if not tokens:
        # Signs alone are in no text.
        return entries.none() if words.strip() else entries.order_by("name", "pk")
    query = _query(tokens)
    entries = entries.filter(Q(vector=query) | Q(title_words__contains=" ".join(tokens)))
    plain = " ".join(words.split())
    closeness = Case(
        When(name__iexact=plain, then=Value(0)),
        When(name__istartswith=plain, then=Value(1)),
        When(name__icontains=plain, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return entries.annotate(closeness=closeness, match=SearchRank(F("vector"), query)).order_by(
        "closeness", "-match", "name", "pk"
    )


def search_apis(apis: QuerySet[Api], words: str) -> QuerySet[Api]:
    """Narrow APIs to those that `search_entries` finds."""
    return apis.filter(pk__in=search_entries(CatalogEntry.objects.all(), words).order_by().values("api"))


def _query(tokens: Sequence[str]) -> Any:
    """Return a query that asks for every token: as the begin of a word, or by its English stem."""
    whole: Any = None
    for token in tokens:
        # Tokens hold letters and digits alone, so they can stand in the query as they are.
        part = SearchQuery(f"{token}:*", config="simple", search_type="raw") | SearchQuery(token, config="english")
        whole = part if whole is None else whole & part
    return whole


def catalog_rows(entries: Sequence[CatalogEntry] | QuerySet[CatalogEntry]) -> list[CatalogRow]:
    """Return the rows of one page of `Catalog.entries`: three queries, however many rows."""
    page = list(entries)
    shown = ApiVersion.objects.select_related("api__team", "successor__api").annotate(**live_counts("api"))
    versions: dict[int, Any] = shown.in_bulk([entry.shown_version_id for entry in page])  # type: ignore[attr-defined]
    callers = caller_counts([entry.api_id for entry in page])
    rows = []
    for entry in page:
        version = versions[entry.shown_version_id]  # type: ignore[attr-defined]
        users = UsedBy(version.live_applications, version.live_teams, callers.get(entry.api_id, 0))
        rows.append(CatalogRow(version.api, version, users, entry.score))
    return rows


def _narrow(entries: QuerySet[CatalogEntry], filters: CatalogFilters) -> QuerySet[CatalogEntry]:
    if filters.kind:
        entries = entries.filter(kind=filters.kind)
    if filters.team:
        entries = entries.filter(team__slug=filters.team)
    if filters.state:
        # An annotation that mypy cannot see.
        entries = entries.filter(Q(shown_state=filters.state))
    if filters.tag:
        entries = entries.filter(tags__contains=[filters.tag.lower()])
    if filters.category:
        entries = entries.filter(category=filters.category)
    if filters.score:
        entries = entries.filter(Q(score_band=filters.score))
    if filters.collection:
        entries = entries.filter(api__collections__slug=filters.collection)
    return entries
