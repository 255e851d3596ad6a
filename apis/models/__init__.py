"""The rows of apis."""

from apis.models.consumption import Plan, Subscription
from apis.models.contracts import Api, ApiVersion, Deployment, Environment, Operation, Revision, Share
from apis.models.history import ImportJob, Review, Transition

__all__ = [
    "Api",
    "ApiVersion",
    "Deployment",
    "Environment",
    "ImportJob",
    "Operation",
    "Plan",
    "Review",
    "Revision",
    "Share",
    "Subscription",
    "Transition",
]
