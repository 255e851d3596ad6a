"""Moves an API to another team: its address in the catalog changes, everything its callers rely on stays."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from apis.models import AccessRequest, Api, ApiVersion, FormerAddress, PlannedMove, Revision, Share, Transfer
from apis.services.announcements import tell_reviewers
from apis.services.catalog import refresh_entry
from apis.services.linting import rescore_later
from apis.services.subscriptions import OVER
from apis.signals import api_transferred, version_changed
from common.clock import now
from common.errors import Conflict, Invalid
from common.identifiers import SLUG_PATTERN
from teams.models import Application, Team, User
from teams.roles import people_with
from teams.services.audit import record_audit
from teams.services.events import write_events
from teams.services.notices import notify


def check_api(*, api: Api, to_team: Team, new_name: str) -> None:
    """Raise Conflict or Invalid when an API cannot move to a team under a slug."""
    if api.kind == Api.Kind.MODEL:
        raise Conflict("The AI endpoints are part of Gatehouse and belong to no other team.", code="move-not-possible")
    slug = new_name or api.slug
    if not SLUG_PATTERN.match(slug):
        detail = f"{slug!r} is no slug: use lower-case letters, digits and hyphens, 60 at most."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/new_name"}])
    former = FormerAddress.objects.filter(team=to_team, slug=slug).exclude(api=api)
    if to_team.apis.filter(slug=slug).exists() or former.exists():
        raise _name_taken(to_team, slug)


def move_api(*, transfer: Transfer, actor: User) -> Api:
    """Carry an accepted transfer out, inside its transaction; keys, subscriptions and calls notice nothing."""
    giver, team, slug_wanted = transfer.from_team, transfer.to_team, transfer.new_name
    api = Api.objects.select_for_update(of=("self",)).select_related("team", "owner").get(transfers=transfer)
    if api.team_id != giver.pk:
        raise Conflict(f"{api} does not belong to {giver} any more.", code="move-not-possible")
    before = {"team": giver.name, "slug": api.slug, "owner": api.owner.public_id if api.owner else None}
    former_slug = api.slug
    heir = _heir(api, team, actor)
    api.team, api.slug, api.owner = team, slug_wanted or api.slug, heir
    api.on_call = team.contact_email or heir.email
    if api.visibility == Api.Visibility.TEAM:
        api.visibility = Api.Visibility.SHARED
    FormerAddress.objects.filter(team=team, slug=api.slug, api=api).delete()
    FormerAddress.objects.create(team=giver, slug=former_slug, api=api)
    _save(api)
    _keep_working(api, giver, team, actor)
    api_transferred.send(sender=Api, api=api, from_team=giver, actor=actor)
    # The versions before the catalog's entry, as everywhere (lock_version).
    for version in api.versions.filter(deployments__isnull=False).distinct().order_by("pk"):
        version_changed.send(sender=ApiVersion, version=version)
    refresh_entry(api)
    after = {"team": team.name, "slug": api.slug, "owner": heir.public_id}
    for told in (giver, team):
        record_audit(actor=actor, verb="api.transfer", target=api, team=told, before=before, after=after)
    _tell(api, giver, actor)
    transaction.on_commit(lambda: rescore_later(team))
    transfer.api = api
    return api


def _heir(api: Api, team: Team, actor: User) -> User:
    """Return who answers for it there: who did before where they are in the team, else who accepts, else an owner."""
    inside = people_with(team, "apis.design")
    for person in (api.owner, actor):
        if person is not None and inside.filter(pk=person.pk).exists():
            return person
    return people_with(team, "team.manage").order_by("pk").first() or actor


def _save(api: Api) -> None:
    try:
        with transaction.atomic():
            api.row_version = F("row_version") + 1  # type: ignore[assignment]
            api.save(update_fields=["team", "slug", "owner", "on_call", "visibility", "row_version"])
    except IntegrityError as error:
        raise _name_taken(api.team, api.slug) from error
    api.refresh_from_db(fields=["row_version"])


def _keep_working(api: Api, giver: Team, team: Team, actor: User) -> None:
    """Let the giving team's applications call on, and what waits or is planned go on under the new owners."""
    api.shares.filter(team=team).delete()
    Share.objects.get_or_create(api=api, team=giver)
    callers = Application.objects.filter(team=giver)
    for version in api.versions.filter(state=ApiVersion.State.PREVIEW):
        using = version.subscriptions.exclude(state__in=OVER).values("application")
        version.preview_applications.add(*callers.filter(pk__in=using))
    # Planned moves are made in somebody's name, who needs the role in the team at that moment.
    PlannedMove.objects.filter(version__api=api, state="planned").update(
        planned_by=actor, row_version=F("row_version") + 1
    )
    AccessRequest.objects.filter(api=api, team=team, state="pending").update(
        state="granted", decided_by=actor, decided_at=now()
    )


def _tell(api: Api, giver: Team, actor: User) -> None:
    """Tell the teams whose applications use it who owns it now, and the new reviewers what waits for them."""
    using = Team.objects.filter(applications__subscriptions__version__api=api).exclude(pk__in=(giver.pk, api.team_id))
    teams = list(using.exclude(applications__subscriptions__state__in=OVER).distinct())
    facts = {"api": {"id": api.public_id, "name": api.name, "team": api.team.name}, "from": giver.name}
    write_events(type="api.transferred", target=api, teams=teams, data=facts)
    text = f"It was {giver}'s. Address, keys, subscriptions and limits stay as they are. When it fails: {api.on_call}."
    people = {person.pk: person for team in teams for person in people_with(team, "applications.manage")}
    people |= {person.pk: person for person in people_with(api.team, "apis.manage")}
    people.pop(actor.pk, None)
    notify(
        people=people.values(), icon="arrow-right", title=f"{api} belongs to {api.team} now", text=text,
        url=f"/catalog/{api.team.slug}/{api.slug}",
    )  # fmt: skip
    for revision in Revision.objects.filter(version__api=api, state="in_review").select_related("version"):
        revision.version.api = api
        tell_reviewers(revision, revision.author or actor)


def _name_taken(team: Team, slug: str) -> Conflict:
    detail = f"The address {team.slug}/{slug} is taken, or was in use before. Choose another slug."
    return Conflict(detail, code="name-taken")
