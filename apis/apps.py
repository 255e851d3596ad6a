"""App configuration of apis."""

from django.apps import AppConfig


class ApisConfig(AppConfig):
    """Apis."""

    name = "apis"
