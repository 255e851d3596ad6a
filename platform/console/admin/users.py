"""The people of the installation: find one, hand over what they own when they leave, erase what is personal."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from apis.models import Api
from common.errors import Invalid, NotFound
from common.permissions import page
from console.admin.views import tabs
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from teams.models import PlatformRole, User
from teams.second_factor import second_factors_of
from teams.services.departures import deactivate_person, erase_person, export_person, owned_by, reactivate_person
from teams.services.factors import name_of, reset_factors
from teams.services.platform_roles import change_platform_role


@page("platform.admin")
def users(request: HttpRequest) -> HttpResponse:
    """List the people."""
    words = request.GET.get("q", "").strip()[:120]
    rows = User.objects.people()
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(email__icontains=words))
    table = Table(request, rows, columns={"name": "name", "email": "email", "login": "last_login"})
    context = {"table": table, "words": words, "tabs": tabs(request.user, "users")}  # type: ignore[arg-type]
    return render_page(request, "admin/users.html", context)


class LeaveForm(GatehouseForm):
    """Who takes over."""

    successor = forms.ModelChoiceField(
        User.objects.none(), empty_label="Choose a person", help_text="Becomes owner of the teams they alone own."
    )

    def __init__(self, leaving: User, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        others = User.objects.people().filter(is_active=True).exclude(pk=leaving.pk).order_by("name")
        self.fields["successor"].queryset = others  # type: ignore[attr-defined]


class RoleForm(GatehouseForm):
    """What they are to the whole installation."""

    platform_role = forms.ChoiceField(label="Role in the whole installation", choices=PlatformRole.choices)


class ResetForm(GatehouseForm):
    """Why somebody's second factors are taken away."""

    reason = forms.CharField(max_length=300, help_text="Such as: lost the phone, known by voice. They read it.")


def _person(user: str) -> User:
    found = User.objects.people().filter(public_id=user).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def user(request: HttpRequest, user: str) -> HttpResponse:
    """Show a person and what their leaving touches; deactivate, let back in or erase them."""
    found = _person(user)
    actor: User = request.user  # type: ignore[assignment]
    here = f"/admin/users/{found.public_id}"
    form = LeaveForm(found, request.POST if request.POST.get("do") == "deactivate" else None)

    def leave() -> str:
        deactivate_person(user=found, successor=form.cleaned_data["successor"], actor=actor)
        messages.success(request, f"{found} can sign in no more; what they owned is handed over.")
        return here

    if request.method == "POST" and form.is_bound and (done := run_form(request, form, leave)):
        return done
    if request.method == "POST" and not form.is_bound:
        return _other(request, found, actor, here)
    context = {
        "person": found, "form": form, "owned": owned_by(found), "tabs": tabs(actor, "users"),
        "apis": Api.objects.filter(owner=found).select_related("team")[:50], "here": here,
        "factors": [name_of(row) for row in second_factors_of(found)], "reset_form": ResetForm(),
        "role_form": RoleForm(initial={"platform_role": found.platform_role}),
    }  # fmt: skip
    return render_page(request, "admin/user.html", context, status=422 if form.errors else 200)


def _other(request: HttpRequest, found: User, actor: User, here: str) -> HttpResponse:
    if request.POST.get("do") == "role":
        form = RoleForm(request.POST)
        if not form.is_valid():
            raise Invalid("Choose one of the roles of the list.")
        change_platform_role(user=found, role=PlatformRole(form.cleaned_data["platform_role"]), actor=actor)
        messages.success(request, f"{found}: the role in the whole installation is saved.")
        return HttpResponseRedirect(here)
    if request.POST.get("do") == "reset":
        reset_factors(user=found, actor=actor, reason=request.POST.get("reason", ""))
        messages.success(request, f"{found} has no second factor now, and is signed out everywhere.")
        return HttpResponseRedirect(here)
    if request.POST.get("do") == "reactivate":
        reactivate_person(user=found, actor=actor)
        messages.success(request, f"{found} may come back: invite them to their teams, they choose a new password.")
        return HttpResponseRedirect(here)
    if request.POST.get("typed", "").strip().lower() != found.email.lower():
        raise Invalid(f"Type {found.email} to say that you mean this person.")
    erase_person(user=found, actor=actor)
    messages.success(request, "What was personal is erased; what they did stays without their name.")
    return HttpResponseRedirect("/admin/users")


@page("platform.admin")
def export(request: HttpRequest, user: str) -> HttpResponse:
    """Answer all that is known of a person, as JSON."""
    found = _person(user)
    data = export_person(user=found, actor=request.user)  # type: ignore[arg-type]
    response = JsonResponse(data, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="{found.public_id}.json"'
    return response
