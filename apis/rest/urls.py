"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from apis.rest.access import AccessRequestViewSet, AskableViewSet
from apis.rest.catalog import CatalogView, CollectionViewSet, StarView
from apis.rest.comments import ReviewCommentViewSet
from apis.rest.consumption import PlanViewSet, SubscriptionViewSet
from apis.rest.contracts import ApiViewSet, ImportViewSet, VersionViewSet
from apis.rest.environments import CanaryViewSet, DeploymentViewSet, EnvironmentViewSet
from apis.rest.farewell import BrownoutViewSet, DeprecationNoticeViewSet, PlannedMoveViewSet
from apis.rest.linting import LintRulesView, LintView, LintWaiverViewSet, RulesetView, SpectralTryView, SpectralView
from apis.rest.overlays import OverlayViewSet
from apis.rest.revisions import RevisionViewSet
from apis.rest.transfers import TransferViewSet

VERSION_ACTIONS = (
    "submit", "withdraw", "reopen", "publish", "deprecate", "undo_deprecation", "retire", "restore", "archive",
    "preview", "end_preview", "block", "lift_block", "key",
)  # fmt: skip
VERSION = "versions/<str:version>"
# An action that answers a whole list is described so.
NO_LIST: dict[str, None] = {"pagination_class": None, "filterset_class": None}
SUBSCRIPTION_ACTIONS = ("approve", "reject", "end", "try_it", "change_plan", "suspend", "resume")

urlpatterns = [
    path(
        "access-requests",
        AccessRequestViewSet.as_view({"get": "list", "post": "create"}),
        name="access-requests",
    ),
    path("access-requests/<str:public_id>", AccessRequestViewSet.as_view({"get": "retrieve"}), name="access-request"),
    *(
        path(
            f"access-requests/<str:public_id>/{action}",
            AccessRequestViewSet.as_view({"post": action}),
            name=f"access-request-{action}",
        )
        for action in ("grant", "refuse", "withdraw")
    ),
    path("askable-apis", AskableViewSet.as_view({"get": "list"}), name="askable-apis"),
    path("catalog", CatalogView.as_view(), name="catalog-search"),
    path("collections", CollectionViewSet.as_view({"get": "list", "post": "create"}), name="collections"),
    path(
        "collections/<str:public_id>",
        CollectionViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="collection",
    ),
    path("apis/<str:public_id>/star", StarView.as_view(), name="api-star"),
    path("apis", ApiViewSet.as_view({"get": "list", "post": "create"}), name="apis"),
    path(
        "apis/<str:public_id>",
        ApiViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api",
    ),
    path("apis/<str:api>/versions", VersionViewSet.as_view({"get": "list", "post": "create"}), name="api-versions"),
    path("versions", VersionViewSet.as_view({"get": "list"}), name="versions"),
    path("versions/<str:public_id>", VersionViewSet.as_view({"get": "retrieve"}), name="version"),
    path("versions/<str:public_id>/document", VersionViewSet.as_view({"get": "document"}), name="version-document"),
    path("versions/<str:public_id>/moves", VersionViewSet.as_view({"get": "moves"}, **NO_LIST), name="version-moves"),
    path("versions/<str:public_id>/impact", VersionViewSet.as_view({"get": "impact"}), name="version-impact"),
    *(
        path(
            f"versions/<str:public_id>/{action.replace('_', '-')}",
            VersionViewSet.as_view({"post": action}),
            name=f"version-{action.replace('_', '-')}",
        )
        for action in VERSION_ACTIONS
    ),
    path(
        "versions/<str:version>/revisions", RevisionViewSet.as_view({"get": "list", "post": "create"}), name="revisions"
    ),
    path("versions/<str:version>/releases", RevisionViewSet.as_view({"get": "releases"}), name="releases"),
    path(
        "revisions/<str:public_id>",
        RevisionViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="revision",
    ),
    path("revisions/<str:public_id>/gate", RevisionViewSet.as_view({"get": "gate"}), name="revision-gate"),
    path("revisions/<str:public_id>/release", RevisionViewSet.as_view({"post": "release"}), name="revision-release"),
    path(
        "revisions/<str:public_id>/roll-back",
        RevisionViewSet.as_view({"post": "roll_back"}),
        name="revision-roll-back",
    ),
    path(
        "revisions/<str:public_id>/next-version",
        RevisionViewSet.as_view({"post": "next_version"}),
        name="revision-next-version",
    ),
    path("revisions/<str:public_id>/waivers", RevisionViewSet.as_view({"post": "waive"}), name="revision-waivers"),
    path("revisions/<str:public_id>/review", RevisionViewSet.as_view({"post": "review"}), name="revision-review"),
    path(
        "revisions/<str:revision>/comments",
        ReviewCommentViewSet.as_view({"get": "list", "post": "create"}),
        name="revision-comments",
    ),
    path(
        "revisions/<str:revision>/comments/<str:public_id>/resolve",
        ReviewCommentViewSet.as_view({"post": "resolve"}),
        name="revision-comment-resolve",
    ),
    path("revisions/<str:public_id>/changes", RevisionViewSet.as_view({"get": "changes"}), name="revision-changes"),
    path(
        f"{VERSION}/planned-moves",
        PlannedMoveViewSet.as_view({"get": "list", "post": "create"}),
        name="planned-moves",
    ),
    path(
        f"{VERSION}/planned-moves/<str:public_id>",
        PlannedMoveViewSet.as_view({"delete": "destroy"}),
        name="planned-move",
    ),
    path(f"{VERSION}/brownouts", BrownoutViewSet.as_view({"get": "list", "post": "create"}), name="brownouts"),
    path(f"{VERSION}/brownouts/<str:public_id>", BrownoutViewSet.as_view({"delete": "destroy"}), name="brownout"),
    path(
        f"{VERSION}/deprecation-notices",
        DeprecationNoticeViewSet.as_view({"get": "list"}),
        name="deprecation-notices",
    ),
    path(f"{VERSION}/acknowledge", DeprecationNoticeViewSet.as_view({"post": "acknowledge"}), name="acknowledge"),
    path(f"{VERSION}/messages", DeprecationNoticeViewSet.as_view({"post": "write"}), name="version-messages"),
    path("environments", EnvironmentViewSet.as_view({"get": "list", "post": "create"}), name="environments"),
    path(
        f"{VERSION}/deployments",
        DeploymentViewSet.as_view({"get": "list", "post": "create"}),
        name="deployments",
    ),
    path(
        f"{VERSION}/deployments/<str:environment>",
        DeploymentViewSet.as_view({"delete": "destroy"}),
        name="deployment",
    ),
    path(
        f"{VERSION}/canary",
        CanaryViewSet.as_view({"get": "retrieve", "post": "create", "patch": "partial_update", "delete": "destroy"}),
        name="canary",
    ),
    path(f"{VERSION}/overlays", OverlayViewSet.as_view({"get": "list", "post": "create"}), name="overlays"),
    path(f"{VERSION}/overlay-order", OverlayViewSet.as_view({"put": "order"}), name="overlay-order"),
    path(
        f"{VERSION}/overlays/<str:public_id>",
        OverlayViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="overlay",
    ),
    path(
        f"{VERSION}/overlaid/<str:environment>",
        OverlayViewSet.as_view({"get": "result"}),
        name="overlaid-document",
    ),
    path("lint-rules", LintRulesView.as_view(), name="lint-rules"),
    path("lint-ruleset", RulesetView.as_view(), name="lint-ruleset"),
    path("teams/<str:team>/lint-ruleset", RulesetView.as_view(), name="team-lint-ruleset"),
    *(
        path(f"{below}lint-ruleset/{leaf}", view.as_view(), name=f"{name}lint-{leaf.replace('/', '-')}")
        for below, name in (("", ""), ("teams/<str:team>/", "team-"))
        for leaf, view in (("spectral", SpectralView), ("spectral/try", SpectralTryView))
    ),
    path("revisions/<str:public_id>/lint", LintView.as_view(), name="revision-lint"),
    path(
        f"{VERSION}/lint-waivers",
        LintWaiverViewSet.as_view({"get": "list", "post": "create"}),
        name="lint-waivers",
    ),
    path(
        f"{VERSION}/lint-waivers/<str:public_id>",
        LintWaiverViewSet.as_view({"delete": "destroy"}),
        name="lint-waiver",
    ),
    *(
        path(
            f"{owner}s/<str:{owner}>/transfers",
            TransferViewSet.as_view({"get": "list", "post": "create"}),
            name=f"{owner}-transfers",
        )
        for owner in ("api", "application")
    ),
    path("transfers", TransferViewSet.as_view({"get": "list"}), name="transfers"),
    path("transfers/<str:public_id>", TransferViewSet.as_view({"get": "retrieve"}), name="transfer"),
    path("transfers/<str:public_id>/impact", TransferViewSet.as_view({"get": "impact"}), name="transfer-impact"),
    *(
        path(
            f"transfers/<str:public_id>/{action}",
            TransferViewSet.as_view({"post": action}),
            name=f"transfer-{action}",
        )
        for action in ("accept", "refuse", "withdraw")
    ),
    path("imports", ImportViewSet.as_view({"get": "list", "post": "create"}), name="imports"),
    path("imports/<str:public_id>", ImportViewSet.as_view({"get": "retrieve"}), name="import"),
    path("plans", PlanViewSet.as_view({"get": "list", "post": "create"}), name="plans"),
    path("plans/<str:public_id>", PlanViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="plan"),
    path("subscriptions", SubscriptionViewSet.as_view({"get": "list", "post": "create"}), name="subscriptions"),
    path("subscriptions/<str:public_id>", SubscriptionViewSet.as_view({"get": "retrieve"}), name="subscription"),
    *(
        path(
            f"subscriptions/<str:public_id>/{action.replace('_', '-')}",
            SubscriptionViewSet.as_view({"post": action}),
            name=f"subscription-{action.replace('_', '-')}",
        )
        for action in SUBSCRIPTION_ACTIONS
    ),
]
