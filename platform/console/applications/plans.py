"""A subscription's plan, changed; a subscription paused."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.models import Plan, Subscription
from apis.selectors import visible_subscriptions
from apis.services.subscriptions import change_plan, resume_subscription, suspend_subscription
from common.errors import NotFound
from common.permissions import page
from console.applications.views import head_of
from console.forms import GatehouseForm, run_form
from console.pages import render_page, require_declared
from teams.models import Application, User
from teams.selectors import application_for


class PlanForm(GatehouseForm):
    """Which of the API's other plans."""

    plan = forms.ChoiceField(widget=forms.RadioSelect)
    accepts_terms = forms.BooleanField(label="I accept the terms of the plan", required=False)

    def __init__(self, plans: dict[str, Plan], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.plans = plans
        self.fields["plan"].choices = [(key, plan.name) for key, plan in plans.items()]  # type: ignore[attr-defined]


def _subscription(request: HttpRequest, app: str, subscription: str) -> tuple[Application, Subscription]:
    user: User = request.user  # type: ignore[assignment]
    found = application_for(user, app)
    require_declared(request, found.team)
    row = visible_subscriptions(user).filter(application=found, public_id=subscription).first()
    if row is None:
        raise NotFound("There is no such subscription of this application.")
    return found, row


@page("applications.manage", methods=("GET", "HEAD", "POST"))
def change(request: HttpRequest, app: str, subscription: str) -> HttpResponse:
    """Ask for another plan; the present one serves until it is granted."""
    found, row = _subscription(request, app, subscription)
    plans = {plan.public_id: plan for plan in row.version.api.plans.filter(is_open=True).exclude(pk=row.plan_id)}
    form = PlanForm(plans, request.POST or None)
    back = f"/applications/{found.public_id}/subscriptions"

    def save() -> str:
        data = form.cleaned_data
        change_plan(
            subscription=row,
            plan=plans[data["plan"]],
            accepts_terms=data["accepts_terms"],
            actor=request.user,  # type: ignore[arg-type]
        )
        if row.wanted_plan:
            messages.success(request, f"Asked {row.version.api.team}. {row.plan} goes on until they answer.")
        else:
            messages.success(request, f"It is under the plan {row.plan} now.")
        return back

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    context = {**head_of(request, found, "subscriptions"), "row": row, "form": form}
    return render_page(request, "applications/change_plan.html", context, status=422 if form.errors else 200)


@page("applications.manage", methods=("POST",))
def pause(request: HttpRequest, app: str, subscription: str) -> HttpResponse:
    """Pause a subscription, or go on with it."""
    found, row = _subscription(request, app, subscription)
    user: User = request.user  # type: ignore[assignment]
    if row.state == "suspended":
        resume_subscription(subscription=row, actor=user)
        messages.success(request, f"Calls of {row.version} are served again.")
    else:
        suspend_subscription(subscription=row, actor=user, reason="Paused by its own team.")
        messages.success(request, f"Calls of {row.version} get 403 until you resume it.")
    return HttpResponseRedirect(f"/applications/{found.public_id}/subscriptions")
