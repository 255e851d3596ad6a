"""Home: what to do next, what waits for you, how your APIs and applications do; and search over all of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import F, Min
from django.http import HttpRequest, HttpResponse

from apis.models import ApiVersion, Revision, Subscription
from apis.selectors import Catalog, visible_apis
from apis.selectors.access import requests_to_answer
from apis.selectors.transfers import transfers_to_answer
from common.clock import now
from common.permissions import page
from console.catalog.recommend import first_operation_url
from console.pages import Spark, render_page, sparkline
from console.workspace.lists import reviews_for
from gateway.control.selectors import gateway_status
from teams.models import Application, Membership, Team, User
from teams.roles import teams_with
from teams.selectors import applications_for
from usage.selectors import Scope, UsageSummary, sight_of, summary

logger = logging.getLogger("gatehouse.console")
SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the checklist."""

    title: str
    text: str
    url: str
    is_done: bool
    done_at: datetime | None = None
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for this person."""

    text: str
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class NumberCard:
    """A number of the last 24 hours with its course."""

    title: str
    value: Any
    form: str
    spark: Spark | None


@page("signed_in")
def home(request: HttpRequest) -> HttpResponse:
    """Show what to do next."""
    user: User = request.user  # type: ignore[assignment]
    context = {
        "steps": checklist(user),
        "waiting": waiting_for(user),
        "applications": applications_for(user)[:5],
        "apis": visible_apis(user).filter(team__in=teams_with(user, "apis.design")).order_by("name")[:5],
        **_numbers(user),
    }
    return render_page(request, "home/home.html", context)


def _numbers(user: User) -> dict[str, Any]:
    """Return the four numbers; a failing part fails alone."""
    until = now()
    try:
        usage = summary(Scope(sight=sight_of(user)), until - timedelta(hours=24), until, interval="hour")
    except DatabaseError:
        logger.exception("event=home_numbers_failed")
        return {"numbers": [], "numbers_failed": True}
    return {"numbers": number_cards(usage), "freshness": usage.freshness}


def number_cards(usage: UsageSummary) -> list[NumberCard]:
    """Return calls, errors, p95 and cost with sparklines."""
    totals, points = usage.totals, usage.points
    calls = [float(point.numbers.calls) for point in points]
    errors = [float(point.numbers.errors) for point in points]
    slow = [float(point.numbers.p95_ms or 0) for point in points]
    cost = [float(point.numbers.cost_usd or 0) for point in points]
    return [
        NumberCard("Calls, last 24 h", totals.calls, "count", sparkline(calls, f"{totals.calls:,} calls in 24 hours")),
        NumberCard("Errors, last 24 h", totals.errors, "count", sparkline(errors, f"{totals.errors:,} errors")),
        NumberCard("Latency p95, last 24 h", totals.p95_ms, "ms", sparkline(slow, "95th percentile per hour")),
        NumberCard("Cost, last 24 h", totals.cost_usd, "money", sparkline(cost, "Cost per hour in USD")),
    ]


def checklist(user: User) -> list[Step]:
    """Return the steps of a newcomer, computed from rows; empty when all is done."""
    steps = _admin_steps(user) if user.is_platform_admin else _developer_steps(user)
    if all(step.is_done for step in steps):
        return []
    first_open = next(step for step in steps if not step.is_done)
    return [Step(step.title, step.text, step.url, step.is_done, step.done_at, step is first_open) for step in steps]


def _developer_steps(user: User) -> list[Step]:
    mine = applications_for(user).filter(created_by=user)
    subscription = Subscription.objects.filter(requested_by=user).aggregate(at=Min("created_at"))["at"]
    application = mine.aggregate(at=Min("created_at"))["at"]
    membership = Membership.objects.filter(user=user).aggregate(at=Min("created_at"))["at"]
    called = _has_tried(user)
    return [
        Step("Join a team", "An owner invites you by e-mail.", "/teams", membership is not None, membership),
        Step(
            "Make your first call",
            "Get a key in one step and send a call from the page.",
            first_operation_url(user),
            subscription is not None and called,
            subscription,
        ),  # fmt: skip
        Step(
            "Create an application",
            "One per program: it holds the program's keys.",
            "/applications/new",
            application is not None,
            application,
        ),  # fmt: skip
    ]


def _has_tried(user: User) -> bool:
    from usage.models import UsageEvent

    recent = now() - timedelta(days=35)
    applications = list(applications_for(user).values_list("public_id", flat=True)[:200])
    return UsageEvent.objects.filter(at__gt=recent, application_id__in=applications).exists()


def _admin_steps(user: User) -> list[Step]:
    team = Team.objects.exclude(slug="platform").order_by("created_at").first()
    others = Membership.objects.exclude(user=user).order_by("created_at").first()
    version = ApiVersion.objects.exclude(api__kind="model").order_by("created_at").first()
    published = ApiVersion.objects.exclude(api__kind="model").filter(published_at__isnull=False).first()
    subscription = Subscription.objects.order_by("created_at").first()
    return [
        Step(
            "Create a team", "A team owns APIs and applications.", "/teams/new", bool(team),
            team.created_at if team else None,
        ),
        Step(
            "Invite somebody", "They get a link and a role.", f"/teams/{team.slug}/members" if team else "/teams",
            bool(others), others.created_at if others else None,
        ),
        Step(
            "Create an API", "From an OpenAPI document, a prompt or by form.", "/workspace/new", bool(version),
            version.created_at if version else None,
        ),
        Step(
            "Publish it", "It is served by all gateway workers within a second.", "/workspace", bool(published),
            published.published_at if published else None,
        ),
        Step(
            "Get the first subscriber", "Developers find it in the catalog.", "/catalog", bool(subscription),
            subscription.created_at if subscription else None,
        ),
    ]  # fmt: skip


def waiting_for(user: User) -> list[Waiting]:
    """Return what waits for this person: reviews, requests, keys and sunsets that are near, rejected changes."""
    soon = now() + SOON
    reviews = reviews_for(user).order_by("submitted_at")[:5]
    # Work goes on in a copy of what was sent back: the revision after it, of the same author.
    sent_back = Revision.objects.filter(
        state="draft", author=user, version__api__team__in=teams_with(user, "apis.design"),
        number=F("version__revisions__number") + 1, version__revisions__reviews__verdict="rejected",
    ).select_related("version__api__team").defer("document", "source").distinct()[:5]  # fmt: skip
    requests = Subscription.objects.filter(
        version__api__team__in=teams_with(user, "subscriptions.decide"), state__in=["pending", "change_pending"]
    ).select_related("application", "version__api")[:5]
    sunsets = ApiVersion.objects.filter(
        api__team__in=teams_with(user, "apis.publish"), state="deprecated", sunset_at__lt=soon
    ).select_related("api__team")[:5]
    expiring = Application.objects.filter(
        team__in=teams_with(user, "keys.manage"), credentials__expires_at__range=(now(), soon),
        credentials__revoked_at=None,
    ).distinct()[:5]  # fmt: skip
    found = [
        Waiting(
            f"Review {row.version}, revision {row.number}",
            f"{_place(row.version)}/revisions/{row.number}/review", "eye-check",
        )
        for row in reviews
    ]  # fmt: skip
    found += [
        Waiting(f"{row.version}: changes were asked for", f"{_place(row.version)}/design", "arrow-back-up")
        for row in sent_back
    ]
    found += [
        Waiting(f"{row.application} asks for {row.version}", "/workspace/subscriptions", "hourglass")
        for row in requests
    ]
    found += [Waiting(f"{version} has its sunset soon", _place(version), "alarm") for version in sunsets]
    found += [
        Waiting(
            f"{row.team} asks for access to {row.api}",
            f"/workspace/{row.api.team.slug}/{row.api.slug}/sharing",
            "share",
        )
        for row in requests_to_answer(user)[:5]
    ]  # fmt: skip
    found += [
        Waiting(f"{row.from_team} offers {row.subject} to {row.to_team}", f"/transfers/{row.public_id}", "arrow-right")
        for row in transfers_to_answer(user)[:5]
    ]
    found += [Waiting(f"A key of {app} expires soon", f"/applications/{app.public_id}", "key") for app in expiring]
    if user.is_platform_admin:
        found += [
            Waiting(f"A gateway rejected {item['kind']} {item['key']}", "/admin/gateways", "alert-triangle")
            for item in gateway_status().rejected[:5]
        ]
    return found


def _place(version: ApiVersion) -> str:
    return f"/workspace/{version.api.team.slug}/{version.api.slug}/{version.name}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result."""

    title: str
    url: str
    kind: str
    text: str
    icon: str


PAGES = (
    ("Catalog", "/catalog", "find an API"),
    ("Applications", "/applications", "keys and subscriptions"),
    ("New application", "/applications/new", ""),
    ("Workspace", "/workspace", "your team's APIs"),
    ("New API", "/workspace/new", "publish"),
    ("Reviews", "/workspace/reviews", "approve"),
    ("AI models", "/ai/models", "prices aliases"),
    ("AI providers", "/ai/providers", "keys"),
    ("Prompts", "/ai/prompts", "templates"),
    ("Usage", "/usage", "calls errors latency"),
    ("Costs", "/usage/costs", "bill report money"),
    ("Teams", "/teams", "members invite"),
    ("Account", "/account", "profile zone theme"),
    ("Access tokens", "/account/tokens", "REST API"),
    ("Problem types", "/problems", "errors"),
)


@page("signed_in")
def search(request: HttpRequest) -> HttpResponse:
    """Search APIs, applications and pages this person may see."""
    user: User = request.user  # type: ignore[assignment]
    words = " ".join(request.GET.get("q", "").split())[:200]
    hits = find(user, words) if words else []
    return render_page(request, "home/search.html", {"search_query": words, "hits": hits}, fragment="hits")


def find(user: User, words: str) -> list[Hit]:
    """Return up to 20 APIs, 10 applications and the pages that match."""
    from apis.selectors import CatalogFilters, catalog_rows

    rows = catalog_rows(Catalog(user, CatalogFilters(words=words)).entries()[:20])
    hits = [
        Hit(
            row.api.name, f"/catalog/{row.api.team.slug}/{row.api.slug}", "API",
            row.api.summary or f"{row.api.team.name} · {row.version.name}", "book",
        )
        for row in rows
    ]  # fmt: skip
    hits += [
        Hit(row.name, f"/applications/{row.public_id}", "Application", row.team.name, "key")
        for row in applications_for(user).filter(name__icontains=words).order_by("name")[:10]
    ]
    lowered = words.lower()
    hits += [
        Hit(title, url, "Page", text, "file-text")
        for title, url, text in PAGES
        if lowered in title.lower() or lowered in text.lower()
    ]
    return hits
