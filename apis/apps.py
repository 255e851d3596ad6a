"""App configuration of apis: checks its ports and keeps the built-in API there."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.db import connections
from django.db.models.signals import post_migrate


class ApisConfig(AppConfig):
    """APIs, their lifecycle, plans and subscriptions."""

    name = "apis"

    def ready(self) -> None:
        """Connect what must hold after every migration."""
        checks.register(check_ports)
        post_migrate.connect(ensure_builtin_rows, sender=self)
        from apis.selectors.environments import environment_slugs
        from teams import ports as teams_ports
        from teams.signals import person_left, team_moved, team_renamed

        teams_ports.environments = environment_slugs

        team_renamed.connect(refresh_renamed)
        team_moved.connect(reach_anew)
        person_left.connect(hand_over_apis)


def check_ports(**_: Any) -> list[checks.CheckMessage]:
    """Name each port that no upper app has filled."""
    from apis import ports

    return [
        checks.Error(f"apis.ports.{name} is not filled: an app above apis must set it in its apps.py.", id="apis.E001")
        for name in (
            "callers_of",
            "callers_of_operations",
            "caller_counts",
            "calls_of_api",
            "prompt_of",
            "prompts_behind",
        )
        if getattr(ports, name) is None
    ]


def ensure_builtin_rows(using: str = "default", **_: Any) -> None:
    """Write the environment and the built-in API; wait until the tables of every app are there."""
    from apis.models import Api, Environment
    from apis.services.builtin import ensure_ai_api
    from apis.services.catalog import rebuild_entries

    wanted = {model._meta.db_table for model in apps.get_models()}
    with connections[using].cursor() as cursor:
        present = {table.name for table in connections[using].introspection.get_table_list(cursor)}
    if wanted <= present:
        Environment.objects.get_or_create(slug="production", defaults={"name": "Production"})
        ensure_ai_api()
        rebuild_entries(Api.objects.filter(entry=None))


def hand_over_apis(user: Any, successor: Any, **_: Any) -> None:
    """Let somebody else answer for the APIs of a person who leaves."""
    from apis.services.contracts import hand_over

    hand_over(owner=user, successor=successor)


def refresh_renamed(team: Any, **_: Any) -> None:
    """Let the catalog find a team's APIs by its new name."""
    from apis.services.catalog import rebuild_entries

    rebuild_entries(team.apis.all())


def reach_anew(above: set[int], **_: Any) -> None:
    """Tell the gateways anew whom APIs are shared with that a team came to see, or sees no more."""
    from apis.models import ApiVersion
    from apis.signals import version_changed

    served = ApiVersion.objects.filter(api__shares__team__in=above, deployments__isnull=False)
    for version in served.distinct().order_by("pk"):
        version_changed.send(sender=ApiVersion, version=version)
