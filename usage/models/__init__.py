"""The rows of usage."""

from usage.models.ledger import UsageEvent
from usage.models.quarantine import Quarantine
from usage.models.reports import CostReport
from usage.models.rollups import CredentialUse, Progress, UsageDay, UsageHour, UsageMinute, VersionUse

__all__ = [
    "CostReport",
    "CredentialUse",
    "Progress",
    "Quarantine",
    "UsageDay",
    "UsageEvent",
    "UsageHour",
    "UsageMinute",
    "VersionUse",
]
