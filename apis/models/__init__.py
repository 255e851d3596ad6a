"""The rows of apis."""

from apis.models.access import AccessRequest
from apis.models.catalog import CatalogEntry, Collection, Favourite
from apis.models.consumption import Plan, Subscription, SubscriptionApproval
from apis.models.contracts import Api, ApiVersion, Deployment, Environment, Operation, Revision, Share
from apis.models.farewell import Brownout, DeprecationNotice, PlannedMove, SunsetReminder
from apis.models.history import Canary, ImportJob, Release, Review, ReviewComment, Transition, Waiver
from apis.models.lint import LintRuleset, LintWaiver
from apis.models.overlays import Overlay
from apis.models.transfers import FormerAddress, Transfer

__all__ = [
    "AccessRequest",
    "Api",
    "ApiVersion",
    "Brownout",
    "Canary",
    "CatalogEntry",
    "Collection",
    "Deployment",
    "DeprecationNotice",
    "Environment",
    "Favourite",
    "FormerAddress",
    "ImportJob",
    "LintRuleset",
    "LintWaiver",
    "Operation",
    "Overlay",
    "Plan",
    "PlannedMove",
    "Release",
    "Review",
    "ReviewComment",
    "Revision",
    "Share",
    "Subscription",
    "SubscriptionApproval",
    "SunsetReminder",
    "Transfer",
    "Transition",
    "Waiver",
]
