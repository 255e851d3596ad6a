"""App configuration of common: it has no models."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Template tags and checks shared by all apps."""

    name = "common"
