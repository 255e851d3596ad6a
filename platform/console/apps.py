"""App configuration of the console: it has no models."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Pages."""

    name = "console"
