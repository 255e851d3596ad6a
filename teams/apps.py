"""App configuration of teams."""

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """Teams."""

    name = "teams"
