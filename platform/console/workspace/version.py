"""One version of mine: its life, its moves, its callers, its roll-out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apis.guards import working_revision
from apis.lifecycle import ALL_VERSION_MOVES, ROUTED
from apis.models import ApiVersion, Transition
from apis.selectors import (
    available_moves,
    current_revision,
    impact_of,
    version_for,
    working_copy,
)
from common.clock import now
from common.permissions import page
from console.pages import Tab, render_page, require_declared
from gateway.control.changelog import latest_generation_of
from gateway.control.selectors import applied_on
from teams.models import AuditEvent, User
from teams.roles import permissions_in

PROBE_SECONDS = 5.0
STRIP = ("draft", "in_review", "approved", "published", "deprecated", "retired")
# A move's page, where it has one; the others are one button.
PAGES = {
    "publish", "deprecate", "retire", "restore", "undo_deprecation", "submit", "withdraw", "reopen", "preview",
    "end_preview", "block", "lift_block", "archive",
}  # fmt: skip
PRIMARY = {"draft": "publish", "approved": "publish", "preview": "publish", "deprecated": "retire"}


@dataclass(frozen=True, slots=True)
class StripStep:
    """One box of the lifecycle strip."""

    state: str
    is_current: bool
    is_future: bool
    at: datetime | None = None
    actor: str = ""
    note: str = ""


def my_version(request: HttpRequest, team: str, api: str, version: str) -> ApiVersion:
    """Return a version of a team in which this person may what the page is for; raise NotFound for strangers."""
    found = version_for(request.user, team, api, version)  # type: ignore[arg-type]
    require_declared(request, found.api.team)
    return found


# Who may make one of the moves of the page.
MOVERS = frozenset(move.permission for move in ALL_VERSION_MOVES)


def head_of(request: HttpRequest, version: ApiVersion, current: str) -> dict[str, Any]:
    """Return the context every page of a version in the workspace has."""
    api = version.api
    base = f"/workspace/{api.team.slug}/{api.slug}/{version.name}"
    may = permissions_in(request.user, api.team)  # type: ignore[arg-type]
    return {
        "version": version,
        "api": api,
        "base": base,
        "crumbs": [
            ("Workspace", "/workspace"),
            (api.team.name, f"/teams/{api.team.slug}"),
            (api.name, f"/workspace/{api.team.slug}/{api.slug}"),
        ],
        "tabs": version_tabs(version, current),
        "may": may,
        "can_develop": "apis.design" in may,
        "can_publish": "apis.publish" in may,
        "public_url": f"{settings.GATEHOUSE_GATEWAY_URL}{api.base_path}/{version.name}",
        "catalog_url": f"/catalog/{api.team.slug}/{api.slug}/{version.name}",
    }


def version_tabs(version: ApiVersion, current: str) -> list[Tab]:
    """Return the tabs of a version."""
    base = f"/workspace/{version.api.team.slug}/{version.api.slug}/{version.name}"
    rows = [
        ("lifecycle", "Lifecycle", base),
        ("design", "Design", f"{base}/design"),
        ("overlays", "Overlays", f"{base}/overlays"),
        ("lint", "Lint", f"{base}/lint"),
        ("revisions", "Revisions", f"{base}/revisions"),
        ("environments", "Environments", f"{base}/environments"),
        ("callers", "Callers", f"{base}/callers"),
        ("usage", "Usage", f"{base}/usage"),
    ]
    return [Tab(title, url, name == current) for name, title, url in rows]


@page("team.view")
def lifecycle(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Show a version's life and the moves it can make now."""
    found = my_version(request, team, api, version)
    user: User = request.user  # type: ignore[assignment]
    head = head_of(request, found, "lifecycle")
    is_mover = not head["may"].isdisjoint(MOVERS)
    moves = [move for move in available_moves(found, user) if move.name in PAGES] if is_mover else []
    possible = {move.name: move for move in moves if move.is_allowed}
    # A draft that nobody publishes alone goes to its reviewers first.
    primary = possible.get(PRIMARY.get(found.state, "")) or possible.get("submit")
    impact = impact_of(found)
    context = {
        **head,
        "strip": strip_of(found),
        "primary": primary,
        "moves": [move for move in moves if move is not primary],
        "revision": current_revision(found) or working_copy(found),
        "listed": found.preview_applications.order_by("name") if found.state == "preview" else (),
        "working": working_revision(found) if found.state in ROUTED else None,
        "can_edit": head["can_develop"] and found.state == "published" and found.api.kind == "rest",
        "impact": impact,
        "rollout": rollout_of(found),
        "events": AuditEvent.objects.filter(object_id=found.public_id).order_by("-id")[:5],
        "checklist": _checklist(found) if found.state == "draft" else [],
        "planned": found.planned_moves.filter(state="planned").select_related("planned_by"),
    }
    return render_page(request, "workspace/version.html", context)


def strip_of(version: ApiVersion) -> list[StripStep]:
    """Return the boxes of the strip: past ones with date and person, future ones with what they need."""
    reached = {row.to_state: row for row in Transition.objects.filter(version=version).select_related("actor")}
    order = list(STRIP)
    position = order.index(version.state) if version.state in order else len(order)
    notes = {"retired": "at the sunset" if version.sunset_at else ""}
    for planned in version.planned_moves.filter(state="planned"):
        notes[{"publish": "published", "retire": "retired"}[planned.name]] = (
            f"planned for {planned.at:%-d %b %Y %H:%M} UTC"
        )
    steps = []
    for index, state in enumerate(order):
        row = reached.get(state)
        at = row.at if row else version.created_at if state == "draft" else None
        steps.append(
            StripStep(
                state,
                index == position,
                index > position,
                at if index <= position else None,
                str(row.actor) if row and row.actor and index <= position else "",
                notes.get(state, ""),
            )  # fmt: skip
        )
    return steps


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far the gateways are with this version's newest change."""

    applied: int
    total: int
    generation: int

    @property
    def is_done(self) -> bool:
        """Say whether every live worker has it."""
        return self.total > 0 and self.applied == self.total

    @property
    def sentence(self) -> str:
        """Say it in words."""
        if not self.generation:
            return "Not at the gateway yet"
        if not self.total:
            return "No gateway has reported"
        return f"Applied on {self.applied} of {self.total} workers"


def rollout_of(version: ApiVersion) -> Rollout:
    """Return how far the gateways are."""
    generation = latest_generation_of("route", version.public_id)
    applied, total = applied_on(generation) if generation else (0, 0)
    return Rollout(applied, total, generation)


@page("team.view")
def rollout(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Answer the roll-out line; the page asks again each second until it is done."""
    found = my_version(request, team, api, version)
    return render_page(
        request, "workspace/_rollout.html", {**head_of(request, found, ""), "rollout": rollout_of(found)}
    )


@page("team.view")
def probe(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Call a version without a key, now, and show what the gateway answers."""
    found = my_version(request, team, api, version)
    context: dict[str, Any] = {"version": found, "at": now()}
    try:
        answer = httpx.get(head_of(request, found, "")["public_url"], timeout=PROBE_SECONDS, trust_env=False)
        context |= {"status": answer.status_code, "request_id": answer.headers.get("x-request-id", "")}
    except httpx.HTTPError:
        context["status"] = 0
    return render_page(request, "workspace/_probe.html", context)


@dataclass(frozen=True, slots=True)
class Ready:
    """One line of a draft's checklist."""

    title: str
    text: str
    url: str
    is_done: bool
    is_next: bool = False
    done_at: datetime | None = None


def _checklist(version: ApiVersion) -> list[Ready]:
    revision = working_copy(version)
    base = f"/workspace/{version.api.team.slug}/{version.api.slug}"
    is_rest = version.api.kind == "rest"
    steps = [
        Ready("Document", "An OpenAPI document without errors.", f"{base}/{version.name}/design",
              bool(revision and revision.content_hash)),
        Ready("Plan", "How callers may use it.", f"{base}/plans", version.api.plans.filter(is_open=True).exists()),
        Ready("Owner and on-call", "Who answers for it, whom to reach when it fails.", f"{base}/settings",
              bool(version.api.owner and version.api.on_call)),
    ]  # fmt: skip
    if is_rest:
        steps.insert(
            1,
            Ready("Upstream", "The server that answers.", f"{base}/{version.name}/design",
                  bool(revision and revision.upstream_url)),
        )  # fmt: skip
    return steps


@page("team.view")
def usage(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Show a version's numbers under the version's tabs."""
    from console.usage.version_usage import version_usage

    found = my_version(request, team, api, version)
    return version_usage(request, team, api, version, tabs=version_tabs(found, "usage"))
