"""App configuration of teams."""

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """Teams."""

    name = "teams"

    def ready(self) -> None:
        """Let the OpenAPI document know the access token."""
        from teams.rest import schema  # noqa: F401
