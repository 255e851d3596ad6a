"""Sign-in and sign-out, the account, its access tokens, invitations."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import available_timezones

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.cache import never_cache

from common.clock import now
from common.permissions import page
from console.account.proof import next_of
from console.account.tabs import account_tabs
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from teams.models import AccessToken, SignInProvider, User
from teams.selectors import invitation_by_code
from teams.services.departures import export_person
from teams.services.people import accept_invitation, update_profile
from teams.services.single_sign_on import may_use_password
from teams.services.tokens import create_access_token, revoke_access_token

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@page("public", methods=("GET", "HEAD", "POST"))
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign a person in by e-mail and password."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_of(request))
    form = LoginForm(request.POST or None, request=request)
    for field in form.fields.values():
        field.widget.attrs["class"] = "form-control"
        field.widget.attrs.pop("placeholder", None)
    form.fields.pop("remember", None)
    if request.method == "POST" and form.is_valid():
        if may_use_password(form.user):
            # Home, or the second step for who has a second factor.
            return form.login(request, redirect_url=next_of(request))
        # In the words of a wrong password, which say nothing of whether it was right.
        form.add_error(None, get_adapter().error_messages["email_password_mismatch"])
    status = 422 if form.is_bound else 200
    context = {"form": form, "next": next_of(request), **_ways_in()}
    return render_page(request, "account/sign_in.html", context, status=status)


def _ways_in() -> dict[str, object]:
    providers = list(SignInProvider.objects.filter(is_enabled=True))
    return {"providers": providers, "is_for_admins": settings.PASSWORDS_ARE_FOR_ADMINS}


@page("signed_in", methods=("POST",))
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    messages.success(request, "You are signed out.")
    return HttpResponseRedirect("/login")


class ProfileForm(GatehouseForm):
    """What a person sets about themselves."""

    name = forms.CharField(max_length=120)
    zone = forms.ChoiceField(
        label="Time zone", choices=[(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())]
    )
    theme = forms.ChoiceField(choices=User.Theme.choices)
    density = forms.ChoiceField(label="Rows of tables", choices=User.Density.choices)
    has_shortcuts = forms.BooleanField(label="Keyboard shortcuts", required=False)
    wants_mail = forms.BooleanField(label="Send notices by e-mail too", required=False)


@page("signed_in", methods=("GET", "HEAD", "POST"))
def account(request: HttpRequest) -> HttpResponse:
    """Show and save the person's own settings."""
    user: User = request.user  # type: ignore[assignment]
    names = ("name", "zone", "theme", "density", "has_shortcuts", "wants_mail")
    form = ProfileForm(request.POST or None, initial={name: getattr(user, name) for name in names})

    def save() -> str:
        update_profile(user=user, **form.cleaned_data)
        messages.success(request, "Your settings are saved.")
        return "/account"

    if request.method == "POST" and (done := run_form(request, form, save)):
        done.set_cookie("theme", form.cleaned_data["theme"], max_age=31536000, samesite="Lax")
        return done
    context = {"form": form, "tabs": account_tabs("profile")}
    return render_page(request, "account/profile.html", context, status=422 if form.is_bound else 200)


@page("signed_in")
def export(request: HttpRequest) -> HttpResponse:
    """Answer all that is known of the person who asks, as JSON."""
    user: User = request.user  # type: ignore[assignment]
    response = JsonResponse(export_person(user=user, actor=user), json_dumps_params={"indent": 2})
    response["Content-Disposition"] = 'attachment; filename="what-gatehouse-knows-of-me.json"'
    return response


class TokenForm(GatehouseForm):
    """A new access token."""

    name = forms.CharField(max_length=120, help_text="What uses it, such as: nightly import.")
    days = forms.ChoiceField(
        label="Expires",
        choices=[("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")],
        required=False,
    )


@never_cache
@page("signed_in", methods=("GET", "HEAD", "POST"))
def tokens(request: HttpRequest) -> HttpResponse:
    """List the person's tokens; create one and show it once."""
    user: User = request.user  # type: ignore[assignment]
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        expires_at = now() + timedelta(days=int(days)) if days else None
        _, secret = create_access_token(user=user, name=form.cleaned_data["name"], expires_at=expires_at)
        form = TokenForm()
    rows = AccessToken.objects.filter(user=user)
    table = Table(request, rows, columns={"created": "created_at", "name": "name"}, default="-created")
    context = {"form": form, "tabs": account_tabs("tokens"), "secret": secret, "table": table, "now": now()}
    return render_page(request, "account/tokens.html", context, status=422 if form.errors else 200)


@page("signed_in", methods=("POST",))
def revoke_token(request: HttpRequest, token_id: str) -> HttpResponse:
    """Revoke one of the person's own tokens."""
    revoke_access_token(token_id=token_id, user=request.user)  # type: ignore[arg-type]
    messages.success(request, "The token is revoked: calls with it get 401 from now on.")
    return HttpResponseRedirect("/account/tokens")


class AcceptForm(GatehouseForm):
    """A newcomer's name and password."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text="At least 10 characters."
    )


@never_cache
@page("public", methods=("GET", "HEAD", "POST"))
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Accept an invitation: a newcomer sets name and password, somebody known just joins."""
    offer = invitation_by_code(code)
    known = User.objects.filter(email__iexact=offer.email).first()
    form = AcceptForm(request.POST or None)
    if known is not None and request.user != known:
        return render_page(request, "account/invitation.html", {"offer": offer, "sign_in_first": True, "code": code})
    if known is None and settings.PASSWORDS_ARE_FOR_ADMINS:
        # No password is made that could not be used: they come by single sign-on, then join.
        context = {"offer": offer, "here": request.path, **_ways_in()}
        return render_page(request, "account/invitation.html", context)
    if request.method == "POST" and (known is not None or form.is_valid()):
        details = {} if known else {"name": form.cleaned_data["name"], "password": form.cleaned_data["password"]}
        user = accept_invitation(code=code, user=known, **details)
        if known is None:
            login(request, user, backend=BACKEND)
        messages.success(request, f"Welcome to {offer.team.name}.")
        return HttpResponseRedirect("/")
    status = 422 if form.is_bound and form.errors else 200
    return render_page(
        request, "account/invitation.html", {"offer": offer, "form": form, "known": known, "code": code}, status=status
    )
