"""Transfers a person may see, what each takes along, and where an API has moved to."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from apis import ports
from apis.lifecycle import VERSION_STATES
from apis.models import Api, FormerAddress, PlannedMove, Revision, Share, Subscription, Transfer
from apis.selectors.versions import IMPACT_DAYS
from apis.selectors.visibility import OPEN, visible_apis, visible_versions
from common.clock import now
from common.errors import NotFound
from teams.models import Application, Team, User
from teams.roles import teams_of, teams_with

OVER = ("ended", "rejected", "cancelled")
WAITING = ("pending", "change_pending")
MONEY = {"tokens", "nano_usd"}


@dataclass(frozen=True, slots=True)
class ApiCargo:
    """What moves with an API: versions as (state, count), who uses it, what is under way."""

    versions: tuple[tuple[str, int], ...]
    applications: int
    teams: int
    calls_30_days: int
    plans: int
    budgets: int
    drafts: int
    reviews: int
    stars: int
    requests: int
    planned_moves: int
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplicationCargo:
    """What moves with an application; `unseen` are subscriptions to APIs the other team may not use."""

    keys: int
    subscriptions: int
    requests: int
    previews: int
    unseen: tuple[Subscription, ...] = field(default=())


def transfers_for(user: User) -> QuerySet[Transfer]:
    """Return the transfers from and to a person's teams."""
    mine = teams_of(user).values("pk")
    rows = Transfer.objects.select_related(
        "api__team", "application__team", "from_team", "to_team", "requested_by", "decided_by"
    )
    return rows.filter(Q(from_team__in=mine) | Q(to_team__in=mine))


def transfer_for(user: User, public_id: str) -> Transfer:
    """Return a transfer the person may see; raise NotFound."""
    found = transfers_for(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such transfer, or it is none of your teams'.")
    return found


def transfers_to_answer(user: User) -> QuerySet[Transfer]:
    """Return the transfers that wait for a person's answer."""
    waiting = transfers_for(user).filter(state=Transfer.State.PENDING, expires_at__gt=now())
    return waiting.filter(to_team__in=teams_with(user, "team.manage").values("pk"))


def api_cargo(api: Api) -> ApiCargo:
    """Return what moves with an API."""
    if ports.prompts_behind is None or ports.calls_of_api is None:
        raise RuntimeError("a port of apis is not filled (apis.E001)")
    states = dict(api.versions.order_by().values_list("state").annotate(Count("pk")))
    live = Subscription.objects.filter(version__api=api).exclude(state__in=OVER)
    used = live.aggregate(
        applications=Count("application", distinct=True), teams=Count("application__team", distinct=True),
        requests=Count("pk", filter=Q(state__in=WAITING)),
    )  # fmt: skip
    work = Revision.objects.filter(version__api=api).aggregate(
        drafts=Count("pk", filter=Q(state="draft")), reviews=Count("pk", filter=Q(state="in_review"))
    )
    limits = list(api.plans.values_list("limits", flat=True))
    return ApiCargo(
        versions=tuple((state.label, states[name]) for name, state in VERSION_STATES.items() if name in states),
        applications=used["applications"], teams=used["teams"],
        calls_30_days=ports.calls_of_api(api, IMPACT_DAYS),
        plans=len(limits), budgets=sum(any(limit.get("unit") in MONEY for limit in rows) for rows in limits),
        drafts=work["drafts"], reviews=work["reviews"], stars=api.favourites.count(),
        requests=used["requests"] + api.access_requests.filter(state="pending").count(),
        planned_moves=PlannedMove.objects.filter(version__api=api, state="planned").count(),
        prompts=tuple(ports.prompts_behind(api)),
    )  # fmt: skip


def application_cargo(application: Application, team: Team | None = None) -> ApplicationCargo:
    """Return what moves with an application, to a team where one is named."""
    rows = application.subscriptions.exclude(state__in=OVER).select_related("version__api__team", "plan")
    live = list(rows)
    return ApplicationCargo(
        keys=sum(credential.state in {"active", "rotating"} for credential in application.credentials.all()),
        subscriptions=len(live),
        requests=sum(row.state in WAITING for row in live),
        previews=Api.objects.filter(versions__preview_applications=application).distinct().count(),
        unseen=tuple(unusable(live, team)) if team else (),
    )


def unusable(rows: list[Subscription], team: Team) -> list[Subscription]:
    """Return the subscriptions to APIs that a team's applications may not use; a preview goes by its own list."""
    asked = [row for row in rows if row.version.state != "preview" and row.version.api.visibility not in OPEN]
    shares = Share.objects.filter(
        team__in=team.lineage, api__in=[row.version.api_id for row in asked], api__visibility="shared"
    )
    usable = set(shares.values_list("api", flat=True)) if asked else set()
    return [row for row in asked if row.version.api_id not in usable and row.version.api.team_id != team.pk]


def moved_api(user: User, team_slug: str, slug: str) -> Api | None:
    """Return the API that had an address before it moved, when the person may see it."""
    found = FormerAddress.objects.filter(team__slug=team_slug, slug=slug).values("api")
    if not user.is_authenticated:
        version = visible_versions(user).filter(api__in=found).first()
        return version.api if version else None
    return visible_apis(user).filter(pk__in=found).first()
