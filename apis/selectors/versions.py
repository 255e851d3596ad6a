"""One version: its revisions, the latest of an API, the moves it can make, who is hit by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.functions import Cast, Substr

from apis import ports
from apis.guards import failing_guards, working_revision
from apis.lifecycle import (
    LISTED,
    VERSION_STATES,
    Move,
    moves_from,
    overlay_moves,
    path_guards,
    preview_path,
    publication_path,
)
from apis.models import Api, ApiVersion, Revision, Subscription
from apis.ports import Caller
from apis.selectors.overlays import PRODUCTION, under_overlays
from teams.models import User
from teams.roles import permissions_in, who_may

IMPACT_DAYS = 30
# The version a catalog row speaks of: the newest published one, else deprecated, else the tombstone.
STATE_RANK = {"published": 0, "deprecated": 1, "preview": 2, "retired": 3}


@dataclass(frozen=True, slots=True)
class AvailableMove:
    """One button of a version: what it does, whether this person may press it now, and why not."""

    name: str
    label: str
    target: str
    target_label: str
    is_allowed: bool
    reason: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom a move hits: applications that subscribe or called, most calls first."""

    applications: int
    calls_30_days: int
    teams: int
    rows: tuple[Caller, ...]

    @property
    def callers_7_days(self) -> int:
        """Return how many applications called within seven days."""
        return sum(1 for row in self.rows if row.calls_7_days)


def by_rank(versions: QuerySet[ApiVersion]) -> QuerySet[ApiVersion]:
    """Order versions as the catalog shows them: by state, then the highest number first."""
    return versions.annotate(
        rank=Case(
            *(When(state=state, then=Value(rank)) for state, rank in STATE_RANK.items()),
            default=Value(9),
            output_field=IntegerField(),
        ),
        number=Cast(Substr("name", 2), IntegerField()),
    ).order_by("rank", "-number")


def latest_version(api: Api) -> ApiVersion | None:
    """Return the version to recommend: the newest published, else deprecated, else retired; None without any."""
    version = by_rank(api.versions.filter(state__in=LISTED)).first()
    if version is not None:
        version.api = api
    return version


def previous_version(version: ApiVersion) -> ApiVersion | None:
    """Return the version of the API that callers come from: the highest one below it that was published."""
    number = Cast(Substr("name", 2), IntegerField())
    earlier = version.api.versions.annotate(number=number).filter(number__lt=int(version.name[1:]))
    return earlier.exclude(published_at=None).order_by("-number").first()


def current_revision(version: ApiVersion) -> Revision | None:
    """Return the revision that production serves, or None."""
    return version.revisions.filter(state=Revision.State.CURRENT).first()


def working_copy(version: ApiVersion) -> Revision | None:
    """Return the revision to show and copy: the one under work, else the current one, else the newest."""
    return working_revision(version) or current_revision(version) or version.revisions.order_by("-number").first()


def revision_in(version: ApiVersion, environment: str = PRODUCTION) -> Revision | None:
    """Return the revision whose document an environment shows: the one deployed there, else what production shows."""
    if environment != PRODUCTION:
        deployed = version.deployments.filter(environment__slug=environment).select_related("revision").first()
        if deployed is not None:
            return deployed.revision
    return current_revision(version) or working_copy(version)


def served_document(version: ApiVersion, environment: str = PRODUCTION) -> dict[str, Any]:
    """Return the document as callers of an environment read it, with its overlays applied last; {} without any."""
    revision = revision_in(version, environment)
    return under_overlays(version, callers_document(version, revision), environment) if revision else {}


def callers_document(version: ApiVersion, revision: Revision) -> dict[str, Any]:
    """Return a revision's document with the gateway as its server and a Gatehouse key as its security.

    The upstream's own addresses and schemes are its owner's matter and left out.
    """
    if not revision.document:
        return {}
    document = {key: value for key, value in revision.document.items() if key not in {"servers", "security"}}
    paths = document.get("paths")
    if isinstance(paths, dict):
        document["paths"] = {path: _callers_view(item) for path, item in paths.items()}
    components = document.get("components")
    scheme = {"type": "http", "scheme": "bearer", "description": "A Gatehouse key: gh_live_…"}
    document["components"] = {
        **(components if isinstance(components, dict) else {}),
        "securitySchemes": {"gatehouse_key": scheme},
    }
    document["security"] = [{"gatehouse_key": []}]
    document["servers"] = [{"url": version_url(version)}]
    return document


def version_url(version: ApiVersion) -> str:
    """Return the address at the gateway under which a version's paths are called."""
    return f"{settings.GATEHOUSE_GATEWAY_URL}{version.api.base_path}/{version.name}"


def _callers_view(item: Any) -> Any:
    """Leave out the upstream's servers and security of a path item and its operations."""
    if not isinstance(item, dict):
        return item
    return {
        key: {name: part for name, part in value.items() if name not in {"servers", "security"}}
        if isinstance(value, dict)
        else value
        for key, value in item.items()
        if key != "servers"
    }


def impact_of(version: ApiVersion) -> Impact:
    """Return who calls or subscribes to a version; subscribers that never called come last."""
    rows = callers_of(version, IMPACT_DAYS)
    known = {row.application_id for row in rows}
    quiet = (
        Subscription.objects.filter(version=version)
        .exclude(state__in=["ended", "rejected", "cancelled"])
        .exclude(application__public_id__in=known)
        .select_related("application__team")
        .order_by("application__name")
    )
    rows += [
        Caller(
            application_id=row.application.public_id,
            application_name=row.application.name,
            team_name=row.application.team.name,
            contact_email=row.application.team.contact_email,
            calls=0,
            calls_7_days=0,
            last_call_at=None,
        )
        for row in quiet
    ]
    teams = {row.team_name for row in rows}
    return Impact(len(rows), sum(row.calls for row in rows), len(teams), tuple(rows))


def callers_of(version: ApiVersion, days: int) -> list[Caller]:
    """Return the applications that called a version in the last `days`."""
    if ports.callers_of is None:
        raise RuntimeError("apis.ports.callers_of is not filled (apis.E001)")
    return list(ports.callers_of(version, days))


def available_moves(version: ApiVersion, actor: User) -> list[AvailableMove]:
    """Return the moves out of a version's state, each with whether this person may make it and why not."""
    needed = version.api.team.required_approvals
    # Where one person may go alone, the buttons are there from the draft on.
    ways = [way for way in (publication_path(version.state, needed), preview_path(version.state, needed)) if way]
    paths = {way[-1]: way for way in ways}
    moves = [*(move for move in paths if move.source != version.state), *moves_from(version.state)]
    moves += overlay_moves(version.state, is_blocked=version.is_blocked)
    held = permissions_in(actor, version.api.team)
    return [_available(version, move, paths.get(move, (move,)), actor, held) for move in moves]


def _available(
    version: ApiVersion, move: Move, path: tuple[Move, ...], actor: User, held: frozenset[str]
) -> AvailableMove:
    team = version.api.team
    reasons: list[str] = []
    if move.permission not in held:
        reasons = [f"Only {who_may(move.permission, team)} may do this."]
    else:
        guards = path_guards(path) if len(path) > 1 else move.guards
        reasons = failing_guards(guards, version, actor)
    return AvailableMove(
        name=move.name,
        label=f"{move.label} {version.name}"
        if move.name in {"publish", "deprecate", "retire", "restore"}
        else move.label,
        target=move.target,
        target_label=VERSION_STATES[move.target].label,
        is_allowed=not reasons,
        reason=" ".join(reasons),
        undo=move.undo,
    )
