"""URLs of the place workspace."""

from django.urls import URLPattern, path

from console.transfers import views as transfers
from console.workspace import (
    api,
    callers,
    comments,
    create,
    design,
    environments,
    lint,
    lists,
    overlays,
    review,
    revisions,
    version,
)
from console.workspace.moves import blocking, farewell, plain, planned, publication

API = "workspace/<slug:team>/<slug:api>"
VERSION = f"{API}/<str:version>"

urlpatterns: list[URLPattern] = [
    path("workspace", lists.workspace, name="workspace"),
    path("workspace/new", create.new_api, name="workspace_new"),
    path("workspace/reviews", lists.reviews, name="workspace_reviews"),
    path("workspace/subscriptions", lists.requests, name="workspace_requests"),
    path("workspace/imports/<str:job>", create.import_progress, name="workspace_import"),
    path(API, api.versions, name="workspace_api"),
    path(f"{API}/plans", api.plans, name="workspace_plans"),
    path(f"{API}/plans/<str:plan>", api.plan, name="workspace_plan"),
    path(f"{API}/subscriptions", api.subscriptions, name="workspace_subscriptions"),
    path(f"{API}/sharing", api.sharing, name="workspace_sharing"),
    path(f"{API}/sharing/requests/<str:access>", api.answer_request, name="workspace_answer_request"),
    path(f"{API}/settings", api.settings, name="workspace_settings"),
    path(f"{API}/transfer", transfers.offer_api, name="workspace_transfer"),
    path(VERSION, version.lifecycle, name="workspace_version"),
    path(f"{VERSION}/rollout", version.rollout, name="workspace_rollout"),
    path(f"{VERSION}/probe", version.probe, name="workspace_probe"),
    path(f"{VERSION}/callers", callers.callers, name="workspace_callers"),
    path(f"{VERSION}/callers/write", callers.write, name="workspace_write"),
    path(f"{VERSION}/callers/brownouts/<str:brownout>/cancel", callers.cancel, name="workspace_cancel_brownout"),
    path(f"{VERSION}/environments", environments.overview, name="workspace_environments"),
    path(f"{VERSION}/environments/<slug:environment>", environments.promote, name="workspace_promote"),
    path(f"{VERSION}/environments/<slug:environment>/leave", environments.leave, name="workspace_leave"),
    path(f"{VERSION}/revisions/<int:number>/canary", environments.canary, name="workspace_canary"),
    path(f"{VERSION}/canary", environments.change, name="workspace_change_canary"),
    path(f"{VERSION}/lint", lint.lint, name="workspace_lint"),
    path(f"{VERSION}/lint/<str:code>/waive", lint.waive, name="workspace_waive_rule"),
    path(f"{VERSION}/lint/waivers/<str:waiver>/end", lint.end, name="workspace_end_waiver"),
    path(f"{VERSION}/overlays", overlays.overlays, name="workspace_overlays"),
    path(f"{VERSION}/overlays/new", overlays.new, name="workspace_new_overlay"),
    path(f"{VERSION}/overlays/preview", overlays.preview, name="workspace_preview_overlay"),
    path(f"{VERSION}/overlays/<str:overlay>", overlays.edit, name="workspace_overlay"),
    path(f"{VERSION}/overlays/<str:overlay>/change", overlays.change, name="workspace_change_overlay"),
    path(f"{VERSION}/overlays/<str:overlay>/delete", overlays.delete, name="workspace_delete_overlay"),
    path(f"{VERSION}/planned/<str:planned>/cancel", planned.cancel_planned, name="workspace_cancel_planned"),
    path(f"{VERSION}/usage", version.usage, name="workspace_usage"),
    path(f"{VERSION}/design", design.design, name="workspace_design"),
    path(f"{VERSION}/design/problems", design.problems, name="workspace_design_problems"),
    path(f"{VERSION}/publish", publication.publish, name="workspace_publish"),
    path(f"{VERSION}/deprecate", farewell.deprecate, name="workspace_deprecate"),
    path(f"{VERSION}/retire", farewell.retire, name="workspace_retire"),
    path(f"{VERSION}/preview", publication.preview, name="workspace_preview"),
    path(f"{VERSION}/block", blocking.block, name="workspace_block"),
    path(f"{VERSION}/archive", farewell.archive, name="workspace_archive"),
    path(f"{VERSION}/revisions", revisions.revisions, name="workspace_revisions"),
    path(f"{VERSION}/revisions/<int:number>/source", revisions.source, name="workspace_source"),
    path(f"{VERSION}/revisions/<int:number>/diff", revisions.diff, name="workspace_diff"),
    path(f"{VERSION}/revisions/<int:number>/release", revisions.release, name="workspace_release"),
    path(f"{VERSION}/revisions/<int:number>/waive/<slug:key>", revisions.waive, name="workspace_waive"),
    path(f"{VERSION}/revisions/<int:number>/roll-back", revisions.back, name="workspace_roll_back"),
    path(f"{VERSION}/revisions/<int:number>/comments", comments.comment, name="workspace_comment"),
    path(
        f"{VERSION}/revisions/<int:number>/comments/<str:comment>/resolve", comments.resolve, name="workspace_resolve"
    ),
    path(f"{VERSION}/revisions/<int:number>/review", review.review, name="workspace_review"),
    path(f"{VERSION}/moves/<slug:move>", plain.plain_move, name="workspace_move"),
]
