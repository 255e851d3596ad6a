"""Stars and collections: what people keep at hand, what teams put together."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import F

from apis.models import Api, Collection, Favourite
from apis.selectors.visibility import require_visible, visible_apis
from common.errors import Conflict, Invalid, Stale
from common.identifiers import propose_slug
from teams.models import Team, User
from teams.roles import require_permission
from teams.services.audit import record_audit

MOST_APIS = 500


def set_favourite(*, api: Api, user: User, is_favourite: bool) -> None:
    """Keep an API at hand, or no more; twice is as once."""
    require_visible(actor=user, api=api)
    if is_favourite:
        Favourite.objects.get_or_create(user=user, api=api)
    else:
        Favourite.objects.filter(user=user, api=api).delete()


def create_collection(
    *,
    team: Team,
    name: str,
    actor: User,
    description: str = "",
    apis: Iterable[Api] = (),
    slug: str | None = None,
) -> Collection:
    """Make a collection of APIs that its maker sees; its slug comes from its name unless it is given."""
    require_permission(actor=actor, team=team, permission="apis.manage", what="make collections")
    slug = slug or propose_slug(name, fallback="collection")
    collection = Collection(team=team, slug=slug, name=name.strip(), description=description, created_by=actor)
    collection.full_clean(validate_unique=False)
    chosen = _seen(actor, apis)
    try:
        with transaction.atomic():
            collection.save()
            collection.apis.set(chosen)
            record_audit(actor=actor, verb="collection.create", target=collection, team=team, after=_values(collection))
    except IntegrityError as error:
        raise Conflict(
            f"There is a collection called {slug} already. Choose another name.", code="name-taken"
        ) from error
    return collection


def update_collection(
    *, collection: Collection, actor: User, row_version: int, name: str, description: str, apis: Iterable[Api]
) -> Collection:
    """Change a collection; its address stays. APIs in it that the actor may not see stay in it too."""
    require_permission(actor=actor, team=collection.team, permission="apis.manage", what="change collections")
    before = _values(collection)
    unseen = collection.apis.exclude(pk__in=visible_apis(actor).values("pk"))
    chosen = [*_seen(actor, apis), *unseen]
    collection.name, collection.description = name.strip(), description
    collection.full_clean(validate_unique=False)
    with transaction.atomic():
        changed = Collection.objects.filter(pk=collection.pk, row_version=row_version).update(
            name=collection.name, description=description, row_version=F("row_version") + 1
        )
        if not changed:
            raise Stale(f"Somebody changed {before['name']} meanwhile. Read it again and repeat the change.")
        collection.apis.set(chosen)
        collection.refresh_from_db()
        record_audit(
            actor=actor, verb="collection.update", target=collection, team=collection.team, before=before,
            after=_values(collection),
        )  # fmt: skip
    return collection


def delete_collection(*, collection: Collection, actor: User) -> None:
    """Delete a collection; its APIs stay as they are."""
    require_permission(actor=actor, team=collection.team, permission="apis.manage", what="delete collections")
    with transaction.atomic():
        record_audit(
            actor=actor, verb="collection.delete", target=collection, team=collection.team, before=_values(collection)
        )
        collection.delete()


def _seen(actor: User, apis: Iterable[Api]) -> list[Api]:
    wanted = {api.pk: api for api in apis}
    if len(wanted) > MOST_APIS:
        detail = f"{len(wanted)} APIs are chosen, {MOST_APIS} at most."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/apis"}])
    seen = set(visible_apis(actor).filter(pk__in=wanted).values_list("pk", flat=True))
    return [api for key, api in wanted.items() if key in seen]


def _values(collection: Collection) -> dict[str, object]:
    return {
        "name": collection.name,
        "slug": collection.slug,
        "description": collection.description,
        "apis": sorted(collection.apis.values_list("public_id", flat=True)),
    }
