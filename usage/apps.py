"""App configuration of usage."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Usage."""

    name = "usage"

    def ready(self) -> None:
        """Answer what the apps below ask of usage."""
        from apis import ports
        from usage.selectors import caller_counts, callers_of, callers_of_operations, calls_of_api

        ports.callers_of = callers_of
        ports.caller_counts = caller_counts
        ports.callers_of_operations = callers_of_operations
        ports.calls_of_api = calls_of_api
