"""One API of mine: versions, plans, subscriptions, sharing, settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.limits import change_usual, other_limits
from apis.models import Api, Plan
from apis.selectors import api_for, visible_subscriptions
from apis.services.access import grant_access, refuse_access
from apis.services.contracts import update_api
from apis.services.plans import create_plan, update_plan
from apis.services.subscriptions import resume_subscription, suspend_subscription
from apis.services.versions import create_version
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, may_post, run_form
from console.pages import Tab, render_page, require_declared
from console.tables import Table
from teams.models import Team, User
from teams.roles import people_with, permissions_in, require_permission


def my_api(request: HttpRequest, team: str, api: str) -> Api:
    """Return an API of a team in which this person may what the page is for.

    Raise NotFound for strangers, whatever the catalog shows them.
    """
    found = api_for(request.user, team, api)  # type: ignore[arg-type]
    require_declared(request, found.team)
    return found


def head_of(request: HttpRequest, api: Api, current: str) -> dict[str, Any]:
    """Return the context every page of an API in the workspace has."""
    base = f"/workspace/{api.team.slug}/{api.slug}"
    tabs = [
        ("versions", "Versions", base),
        ("plans", "Plans", f"{base}/plans"),
        ("subscriptions", "Subscriptions", f"{base}/subscriptions"),
        ("sharing", "Sharing", f"{base}/sharing"),
        ("settings", "Settings", f"{base}/settings"),
    ]
    return {
        "api": api,
        "base": base,
        "crumbs": [("Workspace", "/workspace"), (api.team.name, f"/teams/{api.team.slug}")],
        "tabs": [Tab(title, url, name == current) for name, title, url in tabs],
        "may": permissions_in(request.user, api.team),  # type: ignore[arg-type]
    }


@page("team.view", methods=("GET", "HEAD", "POST"))
def versions(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """List an API's versions; POST makes the next one from the newest."""
    found = my_api(request, team, api)
    newest = found.versions.order_by("-id").first()
    if request.method == "POST":
        version = create_version(api=found, actor=request.user, copy_from=newest)  # type: ignore[arg-type]
        messages.success(
            request, f"{version.name} is a draft with the document of {newest.name if newest else 'none'}."
        )
        return HttpResponseRedirect(f"/workspace/{found.team.slug}/{found.slug}/{version.name}")
    rows = found.versions.select_related("successor__api").order_by("-id")
    return render_page(request, "workspace/versions.html", {**head_of(request, found, "versions"), "versions": rows})


STEPS = [
    ("publisher", "One publisher"),
    ("owner", "One owner"),
    ("publisher+owner", "A publisher, then an owner"),
    ("publisher+publisher", "Two publishers"),
]


ELSEWHERE = [("same", "The same limits"), ("own", "Limits of their own, those below")]


class PlanForm(GatehouseForm):
    """A plan: its name and limits."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=500, required=False)
    per_minute = forms.IntegerField(label="Requests per minute", min_value=1, max_value=10_000_000, required=False)
    per_day = forms.IntegerField(label="Requests per day", min_value=1, max_value=10_000_000_000, required=False)
    elsewhere = forms.ChoiceField(label="In other environments than production", choices=ELSEWHERE, required=False)
    elsewhere_per_minute = forms.IntegerField(
        label="Requests per minute there", min_value=1, max_value=10_000_000, required=False
    )
    elsewhere_per_day = forms.IntegerField(
        label="Requests per day there", min_value=1, max_value=10_000_000_000, required=False,
        help_text="Each environment counts for itself, whichever limits it has.",
    )  # fmt: skip
    requires_approval = forms.BooleanField(label="Each subscription needs our approval", required=False)
    approval_steps = forms.ChoiceField(label="Who approves", choices=STEPS, required=False)
    decide_within_days = forms.IntegerField(
        label="Days until an open request lapses", min_value=1, max_value=365, required=False
    )
    terms = forms.CharField(
        max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Markdown. Subscribers accept them.",
    )  # fmt: skip
    is_open = forms.BooleanField(label="Open to new subscriptions", required=False, initial=True)

    def values(self, before: Plan | None = None) -> dict[str, Any]:
        """Return what the services take; limits that the form does not show stay as they were `before`."""
        data = dict(self.cleaned_data)
        data["approval_steps"] = (data["approval_steps"] or "publisher").split("+")
        data["decide_within_days"] = data["decide_within_days"] or 7
        limits = change_usual(
            before.limits if before else [], per_minute=data.pop("per_minute"), per_day=data.pop("per_day")
        )
        own = change_usual(
            (before.limits_elsewhere if before else None) or [],
            per_minute=data.pop("elsewhere_per_minute"), per_day=data.pop("elsewhere_per_day"),
        )  # fmt: skip
        has_own = data.pop("elsewhere") == "own"
        return {**data, "limits": limits, "limits_elsewhere": own if has_own else None}


@page("team.view", methods=("GET", "HEAD", "POST"))
def plans(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """List an API's plans; create one."""
    found = my_api(request, team, api)
    may_post(request, found.team, "plans.manage", "make plans")
    form = PlanForm(request.POST or None)

    def create() -> str:
        plan = create_plan(api=found, actor=request.user, **form.values())  # type: ignore[arg-type]
        messages.success(request, f"The plan {plan.name} is there.")
        return f"/workspace/{found.team.slug}/{found.slug}/plans"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    context = {**head_of(request, found, "plans"), "plans": found.plans.all(), "form": form}
    return render_page(request, "workspace/plans.html", context, status=422 if form.is_bound else 200)


def _limit(limits: list[dict[str, Any]], window: str) -> int | None:
    return next((item["limit"] for item in limits if item.get("id") == window), None)


@page("plans.manage", methods=("GET", "HEAD", "POST"))
def plan(request: HttpRequest, team: str, api: str, plan: str) -> HttpResponse:
    """Change a plan; the gateways count by the new limits within a second."""
    found = my_api(request, team, api)
    row = found.plans.filter(public_id=plan).first()
    if row is None:
        raise NotFound("There is no such plan of this API.")
    names = ("name", "description", "requires_approval", "decide_within_days", "terms", "is_open")
    steps = {"approval_steps": "+".join(row.approval_steps)}
    own = row.limits_elsewhere or []
    limits = {
        "per_minute": _limit(row.limits, "minute"), "per_day": _limit(row.limits, "day"),
        "elsewhere": "same" if row.limits_elsewhere is None else "own",
        "elsewhere_per_minute": _limit(own, "minute"), "elsewhere_per_day": _limit(own, "day"),
    }  # fmt: skip
    form = PlanForm(request.POST or None, initial={**{name: getattr(row, name) for name in names}, **steps, **limits})

    def save() -> str:
        update_plan(plan=row, actor=request.user, **form.values(row))  # type: ignore[arg-type]
        messages.success(request, f"The plan {row.name} is saved; {row.subscriptions.count()} subscriptions follow it.")
        return f"/workspace/{found.team.slug}/{found.slug}/plans"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    others = other_limits(row.limits), other_limits(own)
    context = {**head_of(request, found, "plans"), "plan": row, "form": form, "others": others}
    return render_page(request, "workspace/plan.html", context, status=422 if form.is_bound else 200)


@page("team.view", methods=("GET", "HEAD", "POST"))
def subscriptions(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """List who subscribes to an API; suspend one, or resume it."""
    found = my_api(request, team, api)
    if request.method == "POST":
        return _switch(request, found)
    rows = visible_subscriptions(request.user).filter(version__api=found)  # type: ignore[arg-type]
    table = Table(request, rows, columns={"since": "created_at", "application": "application__name"}, default="-since")
    context = {**head_of(request, found, "subscriptions"), "table": table}
    return render_page(request, "workspace/subscriptions.html", context)


def _switch(request: HttpRequest, api: Api) -> HttpResponse:
    user: User = request.user  # type: ignore[assignment]
    require_permission(actor=user, team=api.team, permission="subscriptions.decide", what="suspend subscriptions")
    rows = visible_subscriptions(user).filter(version__api=api)
    row = rows.filter(public_id=request.POST.get("subscription", "")).first()
    if row is None:
        raise NotFound("There is no such subscription to this API.")
    if row.state == "suspended":
        resume_subscription(subscription=row, actor=user)
        messages.success(request, f"{row.application} is served again.")
    else:
        suspend_subscription(subscription=row, actor=user, reason=request.POST.get("reason", ""))
        messages.success(request, f"{row.application} gets 403 until you resume it.")
    return HttpResponseRedirect(f"/workspace/{api.team.slug}/{api.slug}/subscriptions")


class SharingForm(GatehouseForm):
    """Who may see an API."""

    visibility = forms.ChoiceField(choices=Api.Visibility.choices, widget=forms.RadioSelect, label="Who may see it")
    teams = forms.ModelMultipleChoiceField(
        Team.objects.none(), required=False, label="Shared with",
        help_text="Counts when it is shown to teams it is shared with.",
        widget=forms.SelectMultiple(attrs={"size": 8, "class": "form-select"}),
    )  # fmt: skip

    is_requestable = forms.BooleanField(
        label="Other teams see its name and summary, and may ask for access", required=False
    )

    def __init__(self, api: Api, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["teams"].queryset = Team.objects.exclude(pk=api.team_id)  # type: ignore[attr-defined]


@page("team.view", methods=("GET", "HEAD", "POST"))
def sharing(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """Say who may see an API."""
    found = my_api(request, team, api)
    may_post(request, found.team, "apis.manage", "say who sees it")
    shown = {"visibility": found.visibility, "is_requestable": found.is_requestable}
    initial = {**shown, "teams": [share.team_id for share in found.shares.all()]}
    form = SharingForm(found, request.POST or None, initial=initial)

    def save() -> str:
        data = form.cleaned_data
        update_api(
            api=found,
            actor=request.user,  # type: ignore[arg-type]
            shared_with=list(data["teams"]),
            visibility=data["visibility"],
            is_requestable=data["is_requestable"],
        )
        messages.success(request, "Who may see it is saved; the gateways follow within a second.")
        return f"/workspace/{found.team.slug}/{found.slug}/sharing"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    waiting = found.access_requests.filter(state="pending").select_related("team", "requested_by")
    context = {**head_of(request, found, "sharing"), "form": form, "requests": waiting}
    return render_page(request, "workspace/sharing.html", context, status=422 if form.is_bound else 200)


@page("apis.manage", methods=("POST",))
def answer_request(request: HttpRequest, team: str, api: str, access: str) -> HttpResponse:
    """Grant or refuse a request for access."""
    found = my_api(request, team, api)
    row = found.access_requests.filter(public_id=access).select_related("api__team", "team", "requested_by").first()
    if row is None:
        raise NotFound("There is no such request.")
    if request.POST.get("answer") == "grant":
        grant_access(request=row, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{row.team} sees it from now on.")
    else:
        refuse_access(request=row, actor=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
        messages.success(request, f"{row.team} is told why.")
    return HttpResponseRedirect(f"/workspace/{found.team.slug}/{found.slug}/sharing")


class SettingsForm(GatehouseForm):
    """What an API says of itself."""

    name = forms.CharField(max_length=120)
    summary = forms.CharField(max_length=300, required=False, help_text="One line, shown in the catalog.")
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 5}), help_text="Markdown.")
    category = forms.CharField(max_length=60, required=False, help_text="One for the catalog's facet, such as Finance.")
    tags = forms.CharField(max_length=300, required=False, help_text="Separated by commas.")
    owner = forms.ModelChoiceField(
        User.objects.none(), empty_label=None, help_text="Who answers for it: a developer of the team.",
    )  # fmt: skip
    on_call = forms.CharField(max_length=200, help_text="Whom to reach when it fails: a number, a channel.")
    base_path = forms.CharField(max_length=200, required=False)

    def __init__(self, api: Api, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people_with(api.team, "apis.design").order_by("name")  # type: ignore[attr-defined]


@page("team.view", methods=("GET", "HEAD", "POST"))
def settings(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """Change what an API says of itself; its base path stays once it was published."""
    found = my_api(request, team, api)
    may_post(request, found.team, "apis.manage", "change it")
    names = ("name", "summary", "description", "category", "owner", "on_call", "base_path")
    initial = {**{name: getattr(found, name) for name in names}, "tags": ", ".join(found.tags)}
    form = SettingsForm(found, request.POST or None, initial=initial)
    if found.is_base_path_fixed:
        del form.fields["base_path"]

    def save() -> str:
        data = dict(form.cleaned_data)
        data["tags"] = [tag.strip() for tag in data["tags"].split(",") if tag.strip()]
        update_api(api=found, actor=request.user, **data)  # type: ignore[arg-type]
        messages.success(request, f"{found.name} is saved.")
        return f"/workspace/{found.team.slug}/{found.slug}/settings"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    context = {**head_of(request, found, "settings"), "form": form}
    return render_page(request, "workspace/settings.html", context, status=422 if form.is_bound else 200)
