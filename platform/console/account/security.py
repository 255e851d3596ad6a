"""What protects the account: second factors, recovery codes, sessions elsewhere."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import decrypt, encrypt
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from common.errors import Invalid
from common.permissions import page
from console.account.proof import KeyForm, confirmed
from console.account.qr import qr_drawing
from console.account.tabs import account_tabs
from console.forms import GatehouseForm
from console.pages import render_page
from teams.adapters import FactorAdapter
from teams.models import SignInProvider
from teams.second_factor import APP, keys_are_possible, must_add_factor, second_factors_of
from teams.security_keys import check_registration, registration_challenge
from teams.services.factors import (
    add_app,
    add_key,
    codes_left,
    end_other_sessions,
    name_of,
    new_recovery_codes,
    remove_factor,
)

HERE = "/account/security"
IN_SESSION = "second_factor_being_set_up"


@never_cache
@page("signed_in")
def security(request: HttpRequest) -> HttpResponse:
    """Show the factors, how many recovery codes are left, and the ways to change them."""
    user: Any = request.user
    factors: list[dict[str, Any]] = [{"row": row, "name": name_of(row)} for row in second_factors_of(user)]
    context = {
        "tabs": account_tabs("security"), "factors": factors, "codes_left": codes_left(user),
        "has_app": any(item["row"].type == APP for item in factors),
        "keys_are_possible": keys_are_possible(), "must_add": must_add_factor(user),
        "identities": user.identities.select_related("provider").order_by("pk"),
        "providers": SignInProvider.objects.filter(is_enabled=True).exclude(identities__user=user),
    }  # fmt: skip
    return render_page(request, "account/security.html", context)


class AppForm(GatehouseForm):
    """The code that the app shows."""

    code = forms.CharField(
        max_length=20, label="Code", help_text="The six digits the app shows now.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )  # fmt: skip


@never_cache
@page("signed_in", methods=("GET", "HEAD", "POST"))
@confirmed
def app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: picture and secret, then its first code."""
    user: Any = request.user
    form = AppForm(request.POST or None)
    # Kept through a wrong code, so that nobody scans twice; sealed, since sessions lie in the database.
    sealed = request.session.get(IN_SESSION)
    if sealed is None:
        sealed = request.session[IN_SESSION] = encrypt(generate_totp_secret())
    secret = decrypt(sealed)
    if request.method == "POST" and form.is_valid():
        try:
            factor, codes = add_app(user=user, secret=secret, code=form.cleaned_data["code"])
        except Invalid as error:
            form.take_errors(error)
        else:
            del request.session[IN_SESSION]
            post_authentication(request, factor, reauthenticated=True)
            return _done(request, "The authenticator app is set up.", codes)
    url = FactorAdapter().build_totp_url(user, secret)
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    context = {"form": form, "secret": spaced, "qr": qr_drawing(url), "crumbs": [("Security", HERE)]}
    return render_page(request, "account/app.html", context, status=422 if form.errors else 200)


class NewKeyForm(KeyForm):
    """A security key and how the person calls it."""

    name = forms.CharField(max_length=60, initial="Security key", help_text="Such as: laptop, or blue key.")


@never_cache
@page("signed_in", methods=("GET", "HEAD", "POST"))
@confirmed
def new_key(request: HttpRequest) -> HttpResponse:
    """Add a security key or passkey as second factor."""
    user: Any = request.user
    form = NewKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        credential = form.cleaned_data["credential"]
        try:
            check_registration(credential)
        except Invalid as error:
            form.take_errors(error)
        else:
            factor, codes = add_key(user=user, name=form.cleaned_data["name"], credential=credential)
            post_authentication(request, factor, reauthenticated=True)
            return _done(request, f"{name_of(factor)} is added.", codes)
    context = {
        "form": form, "crumbs": [("Security", HERE)], "is_possible": keys_are_possible(),
        "options": registration_challenge(user) if keys_are_possible() else None,
    }  # fmt: skip
    return render_page(request, "account/new_key.html", context, status=422 if form.errors else 200)


def _done(request: HttpRequest, text: str, codes: list[str]) -> HttpResponse:
    if codes:
        return _show_codes(request, text, codes)
    messages.success(request, text)
    return HttpResponseRedirect(HERE)


def _show_codes(request: HttpRequest, text: str, codes: list[str]) -> HttpResponse:
    context = {"text": text, "codes": codes, "lines": "\n".join(codes), "crumbs": [("Security", HERE)]}
    return render_page(request, "account/recovery_codes.html", context)


@page("signed_in", methods=("POST",))
@confirmed
def remove(request: HttpRequest, factor: int) -> HttpResponse:
    """Remove a factor."""
    user: Any = request.user
    messages.success(request, f"{remove_factor(user=user, factor_id=factor)} is removed.")
    return HttpResponseRedirect(HERE)


@never_cache
@page("signed_in", methods=("POST",))
@confirmed
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes and show the new ones once."""
    user: Any = request.user
    return _show_codes(request, "The codes you had before are useless now.", new_recovery_codes(user=user))


@page("signed_in", methods=("POST",))
@confirmed
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End all other sessions of the person."""
    user: Any = request.user
    update_session_auth_hash(request, end_other_sessions(user=user))
    messages.success(request, "All other sessions are ended; access tokens go on.")
    return HttpResponseRedirect(HERE)
