"""APIs: create, change, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from apis.limits import make_limits
from apis.models import Api, ApiVersion, FormerAddress, Revision, Share
from apis.paths import check_base_path, propose_base_path
from apis.selectors.visibility import visible_apis
from apis.services.catalog import refresh_entry
from apis.services.plans import write_plan
from apis.signals import version_changed
from common.errors import Conflict, Invalid, Stale
from common.identifiers import propose_slug
from teams.models import Team, User
from teams.roles import has_permission, people_with, require_permission
from teams.services.audit import record_audit

DEFAULT_LIMITS = make_limits(per_minute=60, per_day=1000)
CHANGEABLE = (
    "name", "summary", "description", "tags", "category", "base_path", "visibility", "is_requestable", "owner",
    "on_call",
)  # fmt: skip
MAX_TAGS = 20


def create_api(
    *,
    team: Team,
    kind: str,
    name: str,
    actor: User,
    slug: str | None = None,
    summary: str = "",
    description: str = "",
    tags: Sequence[str] = (),
    category: str = "",
    base_path: str | None = None,
    visibility: str = Api.Visibility.EVERYONE,
    limits: list[dict[str, Any]] | None = None,
    has_plan: bool = True,
) -> Api:
    """Create an API with its draft v1 and an open plan "Free"; without `base_path` `/{team}/{api}` is taken.

    Without `has_plan` it begins with no plan, for those who declare each of them.
    Raise Conflict when slug or path is taken, naming the other API to those who may see it.
    """
    require_permission(actor=actor, team=team, permission="apis.design", what="create an API")
    if kind == Api.Kind.MODEL:
        raise Invalid("The AI endpoints are one built-in API; create a rest or a prompt API.")
    taken = set(team.apis.values_list("slug", flat=True))
    if slug and slug in taken:
        raise Conflict(f"{team.name} has an API called {slug} already.", code="name-taken")
    left = set(FormerAddress.objects.filter(team=team).values_list("slug", flat=True))
    slug = slug or free_slug(propose_slug(name, fallback="api"), taken | left)
    path = check_base_path(base_path) if base_path else propose_base_path(team.slug, slug)
    answers = _who_answers(team, actor)
    api = Api(
        team=team,
        kind=kind,
        name=name.strip(),
        slug=slug,
        summary=summary,
        description=description,
        tags=clean_tags(tags),
        category=category.strip(),
        base_path=path,
        visibility=visibility,
        created_by=actor,
        owner=answers,
        on_call=team.contact_email or answers.email,
    )
    with transaction.atomic():
        _save_api(api, actor)
        version = ApiVersion.objects.create(api=api, name="v1")
        Revision.objects.create(version=version, number=1, author=actor)
        record_audit(actor=actor, verb="api.create", target=api, team=team, after=_values(api))
        if has_plan:
            write_plan(api=api, name="Free", limits=DEFAULT_LIMITS if limits is None else limits, actor=actor)
        refresh_entry(api)
    return api


def _who_answers(team: Team, actor: User) -> User:
    """Whoever makes an API answers for it until they say otherwise; for a service account an owner of its team does."""
    person = people_with(team, "team.manage").order_by("pk").first() if actor.is_service_account else actor
    if person is None:
        raise Conflict(f"{team.name} has no owner who could answer for the API.", code="last-owner")
    return person


def update_api(*, api: Api, actor: User, shared_with: Sequence[Team] | None = None, **changes: Any) -> Api:
    """Change name, summary, description, tags, base_path, visibility or the teams it is shared with.

    The base path is fixed at first publication. Raise Stale when somebody changed the row since it was read.
    """
    require_permission(actor=actor, team=api.team, permission="apis.manage", what="change this API")
    if unknown := set(changes) - set(CHANGEABLE):
        raise Invalid(f"{', '.join(sorted(unknown))} cannot be changed.")
    before = _values(api)
    if "tags" in changes:
        changes["tags"] = clean_tags(changes["tags"])
    if "base_path" in changes:
        changes["base_path"] = _new_base_path(api, changes["base_path"])
    if "owner" in changes:
        _check_owner(api, changes["owner"])
    for name, value in changes.items():
        setattr(api, name, value)
    with transaction.atomic():
        seen, api.row_version = api.row_version, api.row_version + 1
        if Api.objects.filter(pk=api.pk, row_version=seen).update(row_version=seen + 1) != 1:
            raise Stale("Somebody changed this API meanwhile. Read it again and repeat the change.")
        _save_api(api, actor)
        if shared_with is not None:
            api.shares.exclude(team__in=shared_with).delete()
            Share.objects.bulk_create([Share(api=api, team=team) for team in shared_with], ignore_conflicts=True)
        record_audit(actor=actor, verb="api.update", target=api, team=api.team, before=before, after=_values(api))
        # The versions before the catalog's entry, as everywhere (lock_version).
        for version in api.versions.filter(deployments__isnull=False).distinct().order_by("pk"):
            version_changed.send(sender=ApiVersion, version=version)
        refresh_entry(api)
    return api


def delete_api(*, api: Api, actor: User) -> None:
    """Delete an API none of whose versions was ever published; raise Conflict for another."""
    require_permission(actor=actor, team=api.team, permission="apis.manage", what="delete this API")
    if api.versions.filter(published_at__isnull=False).exists():
        raise Conflict(
            f"{api.name} was published: deprecate and retire its versions instead.", code="move-not-possible"
        )
    with transaction.atomic():
        record_audit(actor=actor, verb="api.delete", target=api, team=api.team, before=_values(api))
        for version in api.versions.filter(deployments__isnull=False).distinct():
            # Other environments serve it: their gateways forget it first.
            version.deployments.all().delete()
            version_changed.send(sender=ApiVersion, version=version)
        Revision.objects.filter(version__api=api).delete()
        api.versions.all().delete()
        api.delete()


def hand_over(*, owner: User, successor: User) -> int:
    """Make somebody else answer for a person's APIs: the successor where they are in the team, else an owner of it."""
    rows = list(Api.objects.filter(owner=owner).select_related("team"))
    for api in rows:
        is_inside = has_permission(successor, api.team, "apis.design")
        heir = (
            successor if is_inside else people_with(api.team, "team.manage").exclude(pk=owner.pk).first() or successor
        )
        on_call = heir.email if api.on_call == owner.email else api.on_call
        Api.objects.filter(pk=api.pk).update(owner=heir, on_call=on_call, row_version=F("row_version") + 1)
        record_audit(
            actor=None, verb="api.hand_over", target=api, team=api.team,
            before={"owner": owner.public_id}, after={"owner": heir.public_id},
        )  # fmt: skip
    return len(rows)


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Return tags in lower case, each once, in the order given."""
    cleaned = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(cleaned) > MAX_TAGS:
        raise Invalid(
            f"{len(cleaned)} tags are given, {MAX_TAGS} at most.",
            errors=[{"detail": f"At most {MAX_TAGS} tags.", "pointer": "/tags"}],
        )
    return cleaned


def free_slug(slug: str, taken: set[str]) -> str:
    """Return the slug, with a number behind it when it is taken."""
    number, found = 2, slug
    while found in taken:
        found, number = f"{slug[:56]}-{number}", number + 1
    return found


def _new_base_path(api: Api, text: str) -> str:
    if text == api.base_path:
        return text
    if api.is_base_path_fixed:
        detail = f"The base path {api.base_path} is fixed since the first publication: clients call it."
        raise Conflict(detail, code="base-path-fixed")
    return check_base_path(text)


def _check_owner(api: Api, owner: User | None) -> None:
    is_person = owner is not None and owner.is_active and not owner.is_service_account
    if owner is None or not is_person or not has_permission(owner, api.team, "apis.design"):
        detail = f"The owner must be a developer of {api.team.name}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/owner"}])


def _save_api(api: Api, actor: User) -> None:
    """Check and save; a path or slug taken meanwhile is the same Conflict as one taken before."""
    api.full_clean(validate_unique=False, validate_constraints=False)
    if Api.objects.filter(base_path=api.base_path).exclude(pk=api.pk).exists():
        raise _path_clash(api.base_path, actor)
    try:
        with transaction.atomic():
            api.save()
    except IntegrityError as error:
        if "slug" in str(error):
            raise Conflict(f"{api.team.name} has an API called {api.slug} already.", code="name-taken") from error
        raise _path_clash(api.base_path, actor) from error
    # After the save: it waits for a transfer that leaves this very address at the same time.
    if FormerAddress.objects.filter(team=api.team, slug=api.slug).exists():
        detail = f"{api.team.name} had an API called {api.slug} that moved: the address leads to it. Choose another."
        raise Conflict(detail, code="name-taken")


def _path_clash(path: str, actor: User) -> Conflict:
    other = visible_apis(actor).filter(base_path=path).first()
    owner = f"by {other.name} of {other.team.name}" if other else "by another API"
    return Conflict(f"The base path {path} is taken {owner}. Choose another.", code="base-path-taken")


def _values(api: Api) -> dict[str, Any]:
    return {
        "name": api.name,
        "slug": api.slug,
        "kind": api.kind,
        "summary": api.summary,
        "description": api.description[:500],
        "tags": api.tags,
        "category": api.category,
        "base_path": api.base_path,
        "visibility": api.visibility,
        "is_requestable": api.is_requestable,
        "owner": api.owner.public_id if api.owner else None,
        "on_call": api.on_call,
        "shared_with": sorted(api.shares.values_list("team__slug", flat=True)) if api.pk else [],
    }
