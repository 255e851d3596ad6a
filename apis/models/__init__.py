"""The rows of apis."""

from apis.models.consumption import Plan, Subscription
from apis.models.contracts import Api, ApiVersion, Deployment, Environment, Operation, Revision, Share
from apis.models.history import ImportJob, Release, Review, Transition, Waiver

__all__ = [
    "Api",
    "ApiVersion",
    "Deployment",
    "Environment",
    "ImportJob",
    "Operation",
    "Plan",
    "Release",
    "Review",
    "Revision",
    "Share",
    "Subscription",
    "Transition",
    "Waiver",
]
