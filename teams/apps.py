"""App configuration of teams."""

from typing import Any

from django.apps import AppConfig
from django.core import checks


class TeamsConfig(AppConfig):
    """Teams."""

    name = "teams"

    def ready(self) -> None:
        """Let the OpenAPI document know the access token, and check the ports."""
        from teams.rest import schema  # noqa: F401

        checks.register(check_ports)


def check_ports(**_: Any) -> list[checks.CheckMessage]:
    """Name each port that no upper app has filled."""
    from teams import ports

    if ports.environments is not None:
        return []
    return [checks.Error("teams.ports.environments is not filled: apis must set it in its apps.py.", id="teams.E001")]
