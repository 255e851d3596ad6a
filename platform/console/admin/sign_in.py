"""How people sign in: OpenID providers and what their groups stand for; what settings say of passwords and factors."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from common.errors import Invalid
from common.permissions import page
from console.account.proof import confirmed
from console.account.single_sign_on import callback_of
from console.admin.views import tabs
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from teams.models import Role, SignInProvider, Team, User
from teams.open_id import discover
from teams.services.sign_in_providers import (
    FIELDS,
    add_group_role,
    create_provider,
    delete_provider,
    provider_for,
    read_domains,
    remove_group_role,
    update_provider,
)

HERE = "/admin/sign-in"


class ProviderForm(GatehouseForm):
    """An OpenID provider."""

    name = forms.CharField(max_length=60, help_text="Stands on the sign-in page: Sign in with …")
    issuer = forms.CharField(
        max_length=500, help_text="Such as https://login.example.com; exactly as its discovery document says it."
    )
    client_id = forms.CharField(label="Client id", max_length=250)
    secret = forms.CharField(
        label="Client secret", max_length=500, required=False, help_text="Kept sealed. Empty keeps the one set.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    scopes = forms.CharField(max_length=300, initial="openid profile email")
    allowed_domains = forms.CharField(
        label="E-mail domains", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Who has a verified address of these may come, and is made known here at the first sign-in.",
    )  # fmt: skip
    groups_claim = forms.CharField(label="Claim with groups", max_length=100, initial="groups")
    is_enabled = forms.BooleanField(label="People sign in with it", required=False, initial=True)

    def clean_allowed_domains(self) -> list[str]:
        """Return the domains; name the one that is none."""
        try:
            return read_domains(self.cleaned_data["allowed_domains"])
        except Invalid as error:
            raise forms.ValidationError(error.detail) from error


class ChangeProviderForm(ProviderForm):
    """The same, with the version that was read."""

    row_version = forms.IntegerField(widget=forms.HiddenInput)


class GroupForm(GatehouseForm):
    """What a group stands for."""

    group = forms.CharField(max_length=250, help_text="As the claim says it: a name, or an id.")
    team = forms.ModelChoiceField(Team.objects.order_by("name"), empty_label="Choose a team")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.DEVELOPER)


@page("platform.admin")
def sign_in(request: HttpRequest) -> HttpResponse:
    """List the providers, and say what the settings ask."""
    context = {
        "tabs": tabs(request.user, "sign-in"),  # type: ignore[arg-type]
        "providers": SignInProvider.objects.annotate(people=Count("identities")),
        "is_for_admins": settings.PASSWORDS_ARE_FOR_ADMINS,
        "second_factor": settings.GATEHOUSE_REQUIRE_SECOND_FACTOR,
    }
    return render_page(request, "admin/sign_in.html", context)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
@confirmed
def new_provider(request: HttpRequest) -> HttpResponse:
    """Add a provider."""
    form = ProviderForm(request.POST or None)

    def create() -> str:
        provider = create_provider(actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, f"{provider} is added. Register the redirect address there, then test it.")
        return f"{HERE}/{provider.public_id}"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    context = {"form": form, "crumbs": [("Sign-in", HERE)]}
    return render_page(request, "admin/new_provider.html", context, status=422 if form.errors else 200)


@never_cache
@page("platform.admin", methods=("GET", "HEAD", "POST"))
@confirmed
def provider(request: HttpRequest, idp: str) -> HttpResponse:
    """Show and change a provider; test it; say what its groups stand for; remove it."""
    actor: User = request.user  # type: ignore[assignment]
    row = provider_for(actor, idp)
    here, do = f"{HERE}/{row.public_id}", request.POST.get("do", "")
    form = ChangeProviderForm(request.POST if do == "save" else None, initial=_initial(row))
    groups = GroupForm(request.POST if do == "add" else None)

    def save() -> str:
        update_provider(provider=row, actor=actor, **form.cleaned_data)
        messages.success(request, f"{row} is saved.")
        return here

    def add() -> str:
        done = add_group_role(
            provider=row, actor=actor, group=groups.cleaned_data["group"], team=groups.cleaned_data["team"],
            role=Role(groups.cleaned_data["role"]),
        )  # fmt: skip
        messages.success(request, f"{done}, from each member's next sign-in on.")
        return f"{here}#groups"

    work: Any = {"save": (form, save), "add": (groups, add)}.get(do)
    if work and (done := run_form(request, *work)):
        return done
    if request.method == "POST" and not work:
        return _other(request, row, actor, here, do)
    context = {
        "provider": row, "form": form, "group_form": groups, "callback": callback_of(row), "here": here,
        "rows": row.group_roles.select_related("team").order_by("group", "team__name"),
        "people": row.identities.count(), "crumbs": [("Sign-in", HERE)],
    }  # fmt: skip
    return render_page(request, "admin/provider.html", context, status=422 if form.errors or groups.errors else 200)


def _initial(row: SignInProvider) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in (*FIELDS, "row_version")}
    return {**values, "allowed_domains": "\n".join(row.allowed_domains)}


def _other(request: HttpRequest, row: SignInProvider, actor: User, here: str, do: str) -> HttpResponse:
    if do == "test":
        found = discover(row.issuer)
        messages.success(request, f"{row} answers. People are sent to {found.authorization_endpoint}.")
    elif do == "remove":
        number = request.POST.get("row", "")
        remove_group_role(provider=row, row_id=int(number) if number.isdecimal() else 0, actor=actor)
        messages.success(request, "The row is removed. Who had the role by it loses it at the next sign-in.")
    elif do == "delete" and request.POST.get("typed", "").strip() == row.name:
        delete_provider(provider=row, actor=actor)
        messages.success(request, f"{row} is removed. Memberships that came from it stay.")
        return HttpResponseRedirect(HERE)
    else:
        raise Invalid(f"Type {row.name} to say that you mean this provider.")
    return HttpResponseRedirect(here)
