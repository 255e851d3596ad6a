"""Proof that it is them: the second step of signing in, and confirming before what is sensitive."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.stages import LoginStage, LoginStageController
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache

from common.errors import Invalid
from common.permissions import page
from console.forms import GatehouseForm
from console.pages import render_page
from teams.models import SignInProvider, User
from teams.second_factor import CODES, KEY, check_code, has_second_factor, second_factors_of
from teams.security_keys import check_key, sign_in_challenge
from teams.services.factors import tell_of_recovery
from teams.services.single_sign_on import may_use_password

FRESH_SECONDS = 600
# How the session's record of proofs calls single sign-on.
SINGLE_SIGN_ON = "single_sign_on"
Page = Callable[..., HttpResponse]


def next_of(request: HttpRequest) -> str:
    """Return where to go afterwards: an address of this console, else home."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()) else "/"


class CodeForm(GatehouseForm):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        max_length=20, help_text="Of your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )  # fmt: skip


class PasswordForm(GatehouseForm):
    """The person's own password."""

    password = forms.CharField(
        max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
    )


class KeyForm(GatehouseForm):
    """The answer of a security key, which our script fills in."""

    credential = forms.JSONField(widget=forms.HiddenInput)


def is_confirmed(request: HttpRequest) -> bool:
    """Say whether the person proved lately that it is them: by a second factor, where they have one."""
    person: Any = request.user
    methods = {"mfa"} if has_second_factor(person) else {"password", SINGLE_SIGN_ON}
    since = time.time() - FRESH_SECONDS
    records = get_authentication_records(request, person)
    return any(record["method"] in methods and record["at"] > since for record in records)


def confirmed(view: Page) -> Page:
    """Let a page be reached only by somebody who proved lately that it is them."""

    @wraps(view)
    def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_confirmed(request) else confirm_first(request)

    return gate


def confirm_first(request: HttpRequest) -> HttpResponse:
    """Send the person to confirm that it is them, and back to the page they came from."""
    is_page = request.method == "GET" or not request.path.startswith("/account/")
    back = request.get_full_path() if is_page else "/account/security"
    return HttpResponseRedirect(f"/account/confirm?{urlencode({'next': back})}")


@never_cache
@page("public", methods=("GET", "HEAD", "POST"))
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of a person whose password was right."""
    stage: LoginStage | None = LoginStageController.enter(request, AuthenticateStage.key)
    if request.user.is_authenticated or stage is None or stage.login.user is None:
        return HttpResponseRedirect("/login")
    user: Any = stage.login.user
    form = KeyForm(request.POST) if "credential" in request.POST else CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (factor := _accepted(user, form)):
        post_authentication(request, factor)
        if factor.type == CODES:
            tell_of_recovery(user=user)
        return stage.exit()
    return _ask(request, user, form, "account/second_step.html", {})


@never_cache
@page("signed_in", methods=("GET", "HEAD", "POST"))
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, or else the password, again."""
    user: Any = request.user
    has_factor = has_second_factor(user)
    form = _confirm_form(request, has_factor)
    if request.method == "POST" and form.is_valid() and _confirmed(request, user, form):
        messages.success(request, "Confirmed for the next ten minutes.")
        return HttpResponseRedirect(next_of(request))
    extra = {
        "next": next_of(request), "has_factor": has_factor, "has_password": may_use_password(user),
        "providers": SignInProvider.objects.filter(identities__user=user, is_enabled=True).distinct(),
    }  # fmt: skip
    return _ask(request, user, form, "account/confirm.html", extra)


def _confirm_form(request: HttpRequest, has_factor: bool) -> GatehouseForm:
    if not has_factor:
        return PasswordForm(request.POST or None)
    return KeyForm(request.POST) if "credential" in request.POST else CodeForm(request.POST or None)


def _confirmed(request: HttpRequest, user: User, form: GatehouseForm) -> bool:
    if isinstance(form, PasswordForm):
        return _is_password(request, user, form)
    factor = _accepted(user, form)
    if factor is not None:
        post_authentication(request, factor, reauthenticated=True)
    return factor is not None


def _is_password(request: HttpRequest, user: User, form: PasswordForm) -> bool:
    """Check it as signing in does, which counts wrong ones."""
    try:
        found = get_adapter().authenticate(request, email=user.email, password=form.cleaned_data["password"])
    except ValidationError as error:
        form.add_error("password", error)
        return False
    if found != user:
        form.add_error("password", "This is not your password.")
        return False
    if not may_use_password(user):
        form.add_error("password", "Passwords are not used here. Confirm by the provider that you sign in with.")
        return False
    record_authentication(request, user, "password", reauthenticated=True)
    return True


def _accepted(user: User, form: GatehouseForm) -> Authenticator | None:
    """Return the factor that was shown; None puts what was wrong into the form."""
    try:
        if isinstance(form, KeyForm):
            return check_key(user=user, credential=form.cleaned_data["credential"])
        return check_code(user=user, code=form.cleaned_data["code"])
    except Invalid as error:
        form.take_errors(error)
    return None


def _ask(request: HttpRequest, user: User, form: GatehouseForm, template: str, extra: dict[str, Any]) -> HttpResponse:
    """Show the form; who has a security key gets a fresh challenge for it."""
    types = set(second_factors_of(user).values_list("type", flat=True))
    context = {
        **extra, "form": form, "code_form": form if isinstance(form, CodeForm) else CodeForm(),
        "key_options": sign_in_challenge(user) if KEY in types else None,
        "has_codes": types != {KEY} or Authenticator.objects.filter(user=user, type=CODES).exists(),
    }  # fmt: skip
    return render_page(request, template, context, status=422 if form.errors else 200)
