"""The rows of usage."""

from usage.models.ledger import UsageEvent

__all__ = ["UsageEvent"]
