"""What my teams work on: their APIs by state, reviews and subscription requests that wait."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.lifecycle import VERSION_STATES
from apis.models import ApiVersion, Revision, Subscription
from apis.selectors import visible_subscriptions
from apis.services.subscriptions import approve_subscription, reject_subscription
from common.errors import NotFound
from common.permissions import page
from console.pages import Tab, render_page
from console.tables import Table
from teams.models import User
from teams.roles import teams_of, teams_with

NEXT_STEPS = {
    "draft": "Publish it",
    "in_review": "Review it",
    "approved": "Publish it",
    "published": "Watch it",
    "deprecated": "Retire it",
    "retired": "Nothing",
    "archived": "Nothing",
    "preview": "Publish it",
}


@page("signed_in")
def workspace(request: HttpRequest) -> HttpResponse:
    """List the versions of my teams' APIs by state."""
    user: User = request.user  # type: ignore[assignment]
    words, state = request.GET.get("q", "").strip()[:120], request.GET.get("state", "")
    mine = ApiVersion.objects.filter(api__team__in=teams_of(user)).exclude(api__kind="model")
    counts = dict(mine.order_by().values_list("state").annotate(n=Count("pk")))
    rows = mine.select_related("api__team")
    if state in VERSION_STATES:
        rows = rows.filter(state=state)
    if words:
        rows = rows.filter(api__name__icontains=words)
    table = Table(request, rows, columns={"name": "api__name", "team": "api__team__name", "changed": "created_at"})
    tabs = [Tab("All", "/workspace", not state, sum(counts.values()))]
    tabs += [
        Tab(known.label, f"/workspace?state={name}", name == state, counts[name])
        for name, known in VERSION_STATES.items()
        if counts.get(name)
    ]
    context = {
        "table": table,
        "rows": [(row, NEXT_STEPS[row.state]) for row in table.rows],
        "tabs": tabs,
        "words": words,
        "state": state,
        "can_create": teams_with(user, "apis.design").exists(),
        "waiting_reviews": reviews_for(user).count(),
        "waiting_requests": requests_for(user).count(),
    }
    return render_page(request, "workspace/list.html", context, fragment="rows")


def reviews_for(user: User) -> QuerySet[Revision]:
    """Return the revisions in review that this person may judge, of versions that are served too; never their own."""
    team = "version__api__team"
    asked = Q(**{f"{team}__reviewer_role": "owner"}) & Q(**{f"{team}__in": teams_with(user, "team.manage")})
    asked |= ~Q(**{f"{team}__reviewer_role": "owner"})
    mine = Revision.objects.filter(asked, state="in_review", version__api__team__in=teams_with(user, "apis.review"))
    # A revision that the system wrote has no author, and anybody may judge it.
    others = mine.filter(Q(author=None) | ~Q(author=user))
    return others.select_related("version__api__team", "author").defer("document", "source")


def requests_for(user: User) -> QuerySet[Subscription]:
    """Return the subscriptions that wait for this person's decision."""
    waiting = visible_subscriptions(user).filter(state__in=["pending", "change_pending"])
    return waiting.filter(version__api__team__in=teams_with(user, "subscriptions.decide")).prefetch_related(
        "approvals__approver"
    )


@page("signed_in")
def reviews(request: HttpRequest) -> HttpResponse:
    """List what waits for this person's verdict."""
    columns = {"since": "submitted_at", "name": "version__api__name"}
    table = Table(request, reviews_for(request.user), columns=columns)  # type: ignore[arg-type]
    return render_page(request, "workspace/reviews.html", {"table": table})


@page("signed_in", methods=("GET", "HEAD", "POST"))
def requests(request: HttpRequest) -> HttpResponse:
    """List subscription requests; approve or reject one."""
    user: User = request.user  # type: ignore[assignment]
    if request.method == "POST":
        row: Subscription | None = requests_for(user).filter(public_id=request.POST.get("subscription", "")).first()
        if row is None:
            raise NotFound("This request was decided meanwhile, or is not yours to decide.")
        if request.POST.get("verdict") == "approve":
            approve_subscription(subscription=row, actor=user)
            is_open = row.state in ("pending", "change_pending")
            text = (
                "Noted: somebody else decides the next step."
                if is_open
                else f"{row.application} may call {row.version} now."
            )
            messages.success(request, text)
        else:
            reject_subscription(subscription=row, actor=user, reason=request.POST.get("reason", ""))
            messages.success(request, f"The request of {row.application} is rejected.")
        return HttpResponseRedirect("/workspace/subscriptions")
    table = Table(request, requests_for(user), columns={"asked": "created_at"})
    return render_page(request, "workspace/requests.html", {"table": table})
