"""App configuration of usage."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Usage."""

    name = "usage"
