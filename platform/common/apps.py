"""App configuration of common: it has no models."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Template tags and checks shared by all apps."""

    name = "common"

    def ready(self) -> None:
        """Register the checks of the installation."""
        from common import checks  # noqa: F401
