"""Subscribe: application and plan in one panel, the key in its answer."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from apis.models import ApiVersion, Plan
from apis.selectors import version_for, working_copy
from apis.selectors.overlays import shown_operations
from apis.services.keys import FIRST_APPLICATION, KeyGrant, consuming_team, get_key
from apis.services.subscriptions import live_subscription, subscribe
from common.errors import Conflict, DomainError, NotAllowed
from common.permissions import page
from console.catalog.views import first_curl, head_of
from console.forms import GatehouseForm
from console.pages import render_page
from gateway.control.rollout import wait_until_applied
from teams.models import Application, User
from teams.roles import teams_with
from teams.services.applications import create_application

NEW = "new"


class SubscribeForm(GatehouseForm):
    """Which application, under which plan."""

    application = forms.ChoiceField()
    name = forms.CharField(
        label="Name of a new application", max_length=120, required=False, initial=FIRST_APPLICATION,
        help_text="Used when “A new application” is chosen above.",
    )  # fmt: skip
    plan = forms.ChoiceField(widget=forms.RadioSelect)
    accepts_terms = forms.BooleanField(label="I accept the terms of the plan", required=False)

    def __init__(self, user: User, version: ApiVersion, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        rows = Application.objects.filter(team__in=teams_with(user, "applications.manage")).select_related("team")
        self.applications = {row.public_id: row for row in rows.order_by("name")[:500]}
        self.plans: dict[str, Plan] = {plan.public_id: plan for plan in version.api.plans.filter(is_open=True)}
        choices = [(key, f"{row.name} ({row.team.name})") for key, row in self.applications.items()]
        field, plan = self.fields["application"], self.fields["plan"]
        field.choices = [*choices, (NEW, "A new application")]  # type: ignore[attr-defined]
        plan.choices = [(key, row.name) for key, row in self.plans.items()]  # type: ignore[attr-defined]
        field.initial = next(iter(self.applications), NEW)
        plan.initial = next(iter(self.plans), None)
        if not any(row.terms for row in self.plans.values()):
            del self.fields["accepts_terms"]

    @property
    def accepts(self) -> bool:
        """Say whether the terms were accepted; nobody is asked where no plan has any."""
        return bool(self.cleaned_data.get("accepts_terms"))


@never_cache
@page("signed_in", methods=("GET", "HEAD", "POST"))
def subscribe_panel(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Subscribe an application and show its key, or say whose approval it waits for."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    form = SubscribeForm(user, found, request.POST or None)
    context = {**head_of(found, user, "plans"), "form": form}
    if request.method == "POST" and context["is_open"] and not context["can_subscribe"]:
        raise NotAllowed("You need to be a developer of a team to subscribe: ask an owner of your team.")
    if request.method == "POST" and form.is_valid():
        try:
            context |= _carry_out(user, found, form)
        except DomainError as error:
            if error.status not in (409, 422):
                raise
            form.add_error(None, error.detail)
            context["existing"] = error.context.get("subscription")
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "catalog/subscribe.html", context, fragment="panel", status=status)


def _carry_out(user: User, version: ApiVersion, form: SubscribeForm) -> dict[str, object]:
    plan = form.plans[form.cleaned_data["plan"]]
    accepts = form.accepts
    chosen = form.applications.get(form.cleaned_data["application"])
    name = chosen.name if chosen else form.cleaned_data["name"] or FIRST_APPLICATION
    team = chosen.team if chosen else None
    if chosen is not None and live_subscription(chosen, version) is not None:
        raise Conflict(f"{chosen.name} is subscribed to {version} already. Its keys work.")
    if plan.requires_approval:
        application = chosen or create_application(team=consuming_team(version, user), name=name, actor=user)
        pending = subscribe(application=application, version=version, plan=plan, actor=user, accepts_terms=accepts)
        return {"pending": pending}
    grant: KeyGrant = get_key(
        version=version, actor=user, application_name=name, team=team, plan=plan, accepts_terms=accepts
    )
    revision = working_copy(version)
    operations = shown_operations(version, revision) if revision else []
    wait_until_applied("credential", grant.credential.public_id)
    return {"grant": grant, "curl": first_curl(version, operations).replace("$GATEHOUSE_KEY", grant.key)}
