"""Keeps the catalog's entries in step, inside the transaction of the change they follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from apis.lifecycle import LISTED
from apis.models import Api, ApiVersion, CatalogEntry, Revision, Subscription
from apis.selectors.overlays import shown_document, shown_operations
from apis.selectors.versions import STATE_RANK
from apis.words import words_of

LIVE = ("active", "change_pending")
# Versions whose operations are worth finding: a tombstone has none.
FOUND = tuple(state for state in LISTED if state != "retired")
BATCH = 500


def refresh_entry(api: Api) -> None:
    """Write all that the catalog knows of an API anew."""
    entry = _locked(api)
    for name, value in {**_facts(api), **_listing(api), **_words(api)}.items():
        setattr(entry, name, value)
    entry.save()


def refresh_listing(api: Api) -> None:
    """Write which versions of an API are shown, and who uses it."""
    entry = _locked(api)
    CatalogEntry.objects.filter(pk=entry.pk).update(**_listing(api))


def rebuild_entries(apis: QuerySet[Api] | None = None) -> int:
    """Write the entries of many APIs anew, all by default; return how many."""
    rows = iter((Api.objects.all() if apis is None else apis).select_related("team").order_by("pk").iterator())
    count = 0
    while batch := list(islice(rows, BATCH)):
        CatalogEntry.objects.filter(api__in=batch).delete()
        entries = [CatalogEntry(api=api, **_facts(api), **_listing(api), **_words(api)) for api in batch]
        CatalogEntry.objects.bulk_create(entries)
        count += len(batch)
    return count


def _locked(api: Api) -> CatalogEntry:
    CatalogEntry.objects.get_or_create(api=api, defaults=_facts(api))
    # Two subscriptions at once: the second counts after the first has committed.
    return CatalogEntry.objects.select_for_update().get(api=api)


def _facts(api: Api) -> dict[str, Any]:
    return {name: getattr(api, name) for name in ("team", "name", "kind", "visibility", "category", "tags")}


def _listing(api: Api) -> dict[str, Any]:
    versions = sorted(api.versions.all(), key=_rank)
    listed = next((version for version in versions if version.state in LISTED), None)
    best = next(iter(versions), None)
    live = Subscription.objects.filter(version__api=api, state__in=LIVE)
    return {
        "listed": listed,
        "listed_state": listed.state if listed else "",
        "best": best,
        "best_state": best.state if best else "",
        "published_at": listed.published_at if listed else None,
        "score": listed.revisions.filter(state="current").values_list("lint_score", flat=True).first()
        if listed
        else None,
        "used_by": live.values("application").distinct().count(),
    }


def _score(version: ApiVersion) -> int | None:
    return version.revisions.filter(state="current").values_list("lint_score", flat=True).first()


def _rank(version: ApiVersion) -> tuple[int, int]:
    return STATE_RANK.get(version.state, 9), -int(version.name[1:])


def _words(api: Api) -> dict[str, str]:
    revisions = Revision.objects.filter(version__api=api, version__state__in=FOUND, state="current")
    operations: list[str] = []
    body = [api.description]
    for revision in revisions.defer("source").select_related("version"):
        # What callers do not read is not what they search for.
        for row in shown_operations(revision.version, revision):
            operations += [row.operation_id, row.path, row.summary, *row.tags]
        body += _document_texts(shown_document(revision.version, revision))
    return {
        "title_words": words_of(api.name, api.slug),
        "label_words": words_of(api.summary, *api.tags, api.category, api.team.name, api.base_path),
        "operation_words": words_of(*operations),
        "body_words": words_of(*body),
    }


def _document_texts(document: dict[str, Any]) -> Iterator[str]:
    """Yield the texts of a document that people search for: its description, its schemas and their properties."""
    yield str(_part(document, "info").get("description") or "")
    schemas = _part(_part(document, "components"), "schemas")
    for name, schema in schemas.items():
        yield str(name)
        if isinstance(schema, dict):
            yield from _property_names(schema)


def _property_names(schema: dict[str, Any]) -> Iterable[str]:
    return (str(name) for name in _part(schema, "properties"))


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}
