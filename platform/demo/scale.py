"""A large, made-up organisation: as many APIs and keys as asked for, with real rows and a real changelog.

Deterministic but for its one working key; everything lies under teams whose slug begins with `scale-`, so that it can
be taken away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import models, transaction

from apis.limits import make_limits
from apis.models import Api, ApiVersion, Deployment, Environment, Operation, Plan, Revision, Subscription
from apis.services.catalog import rebuild_entries
from common.clock import now
from gateway.dataplane.keys import derive_key, hash_key, hint, mint_key
from teams.models import Application, Credential, Team, User

PREFIX = "scale-"
TEAMS = 500
APIS_PER_TEAM_NAME = (
    "orders",
    "invoices",
    "customers",
    "shipping",
    "stock",
    "prices",
    "returns",
    "payments",
    "reports",
)
BATCH = 5000


def seed_scale(*, apis: int, keys: int, operations: int, upstream_url: str, tell: Callable[[str], object]) -> str:
    """Write the organisation; return a working key. Its API 0 answers at `/scale-0/orders-0/v1/items`."""
    owner = User.objects.filter(is_superuser=True).order_by("id").first() or User.objects.order_by("id").first()
    if owner is None:
        raise ValueError("There is no user yet. Make one: manage.py createsuperuser.")
    with transaction.atomic():
        teams = _write(
            Team, (Team(slug=f"{PREFIX}{n}", name=f"Scale team {n}") for n in range(min(TEAMS, max(apis, keys))))
        )
        versions, plans = _write_apis(teams, apis, operations, upstream_url, owner)
        tell(f"{apis} APIs with {apis * operations} operations")
        key = _write_consumers(teams, versions, plans, keys, owner)
        tell(f"{keys} applications, each with a key and a subscription")
    tell("writing the catalog")
    rebuild_entries(Api.objects.filter(team__slug__startswith=PREFIX))
    tell("writing the changelog")
    call_command("rebuild_changelog")
    return key


def remove_scale() -> int:
    """Take the organisation away; return how many APIs it had."""
    of_api = {"api__team__slug__startswith": PREFIX}
    of_version = {"version__api__team__slug__startswith": PREFIX}
    of_team = {"team__slug__startswith": PREFIX}
    with transaction.atomic():
        Subscription.objects.filter(application__team__slug__startswith=PREFIX).delete()
        Credential.objects.filter(application__team__slug__startswith=PREFIX).delete()
        Application.objects.filter(**of_team).delete()
        Deployment.objects.filter(**of_version).delete()
        Operation.objects.filter(revision__version__api__team__slug__startswith=PREFIX).delete()
        Revision.objects.filter(**of_version).delete()
        Plan.objects.filter(**of_api).delete()
        ApiVersion.objects.filter(**of_api).delete()
        removed = Api.objects.filter(**of_team).count()
        Api.objects.filter(**of_team).delete()
        Team.objects.filter(slug__startswith=PREFIX).delete()
    call_command("rebuild_changelog")
    return removed


def _write(model: type[models.Model], rows: Iterable[Any]) -> list[Any]:
    """Write rows in batches; return them with their keys."""
    rest, written = iter(rows), []
    while batch := list(islice(rest, BATCH)):
        written += model._default_manager.bulk_create(batch)
    return written


def _write_apis(
    teams: list[Team], number: int, operations: int, upstream_url: str, owner: User
) -> tuple[list[ApiVersion], list[Plan]]:
    moment, production = now(), Environment.objects.get(slug="production")
    apis = _write(Api, (_api(n, teams[n % len(teams)], owner) for n in range(number)))
    versions = _write(
        ApiVersion, (ApiVersion(api=api, name="v1", state="published", published_at=moment) for api in apis)
    )
    document = {"openapi": "3.1.0", "info": {"title": "Scale", "version": "1"}, "paths": {}}
    revisions = _write(
        Revision,
        (
            Revision(
                version=version, number=1, state="current", document=document, upstream_url=upstream_url, author=owner
            )
            for version in versions
        ),
    )
    _write(Operation, (row for revision in revisions for row in _operations(revision, operations)))
    _write(
        Deployment,
        (
            Deployment(version=version, environment=production, revision=revision, deployed_by=owner)
            for version, revision in zip(versions, revisions, strict=True)
        ),
    )
    limits = make_limits(per_minute=100_000, per_day=10_000_000)
    plans = _write(Plan, (Plan(api=api, slug="free", name="Free", limits=limits) for api in apis))
    return versions, plans


def _api(number: int, team: Team, owner: User) -> Api:
    name = APIS_PER_TEAM_NAME[number % len(APIS_PER_TEAM_NAME)]
    slug = f"{name}-{number}"
    return Api(
        team=team,
        slug=slug,
        name=f"{name.capitalize()} {number}",
        kind=Api.Kind.REST,
        base_path=f"/{team.slug}/{slug}",
        is_base_path_fixed=True,
        summary=f"Made-up {name} for measuring.",
        tags=[name],
        created_by=owner,
    )


def _operations(revision: Revision, number: int) -> Iterator[Operation]:
    for at in range(number):
        path = "/items" if at == 0 else f"/items/{{id}}/part{at}"
        method = "GET" if at else "POST"
        yield Operation(revision=revision, operation_id=f"op{at}", method=method, path=path, position=at)


def _write_consumers(teams: list[Team], versions: list[ApiVersion], plans: list[Plan], number: int, owner: User) -> str:
    moment, key = now(), mint_key()
    pepper = derive_key(settings.MASTER_KEY, "pepper")
    applications = _write(
        Application,
        (Application(team=teams[n % len(teams)], name=f"Application {n}", created_by=owner) for n in range(number)),
    )
    _write(
        Credential,
        (
            Credential(
                application=application, name="scale", created_by=owner,
                # But for the first, keys that nobody holds.
                key_hash=hash_key(key if n == 0 else f"scale {n}", pepper), hint=hint(key) if n == 0 else "gh_live_…",
            )
            for n, application in enumerate(applications)
        ),
    )  # fmt: skip
    _write(
        Subscription,
        (
            Subscription(
                application=application, version=versions[n % len(versions)], plan=plans[n % len(plans)],
                requested_by=owner, started_at=moment,
            )
            for n, application in enumerate(applications)
        ),
    )  # fmt: skip
    return key
