"""Signing in by an OpenID provider: out to it, back with its answer; linking one to an account, and taking it away."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from common.errors import DomainError, NotFound
from common.permissions import page
from console.account.proof import FRESH_SECONDS, SINGLE_SIGN_ON, confirmed, next_of
from console.pages import render_page
from teams.models import Identity, SignInProvider
from teams.open_id import Pending, SignInFailed, finish, start
from teams.services.single_sign_on import link_identity, person_of, unlink_identity

logger = logging.getLogger("gatehouse.sign_in")
IN_SESSION = "single_sign_on_under_way"
# Several tabs may be on their way at once; each has this long.
MOST_UNDER_WAY = 5
SECONDS = 900


def _provider(idp: str) -> SignInProvider:
    found = SignInProvider.objects.filter(public_id=idp, is_enabled=True).first()
    if found is None:
        raise NotFound("Nobody signs in here by this provider. Choose another way at /login.")
    return found


def callback_of(provider: SignInProvider) -> str:
    """Return the address that the provider sends people back to; it is registered there."""
    return f"{settings.GATEHOUSE_CONSOLE_URL}/login/with/{provider.public_id}/back"


@never_cache
@page("public")
def sign_in_with(request: HttpRequest, idp: str) -> HttpResponse:
    """Send the person to the provider; somebody signed in proves there that it is still them."""
    return HttpResponseRedirect(_leave(request, _provider(idp), next_of(request), is_link=False))


@never_cache
@page("signed_in", methods=("POST",))
@confirmed
def link(request: HttpRequest, idp: str) -> HttpResponse:
    """Begin to link a provider to the account.

    By POST, so that no other site begins it; by a page in between, since the content policy keeps forms in the house.
    """
    provider = _provider(idp)
    url = _leave(request, provider, "/account/security", is_link=True)
    return render_page(request, "account/leaving.html", {"provider": provider, "url": url})


def _leave(request: HttpRequest, provider: SignInProvider, after: str, *, is_link: bool) -> str:
    is_known = request.user.is_authenticated
    url, pending = start(provider, callback_of(provider), again=is_known and not is_link)
    kept = request.session.get(IN_SESSION, [])[1 - MOST_UNDER_WAY :]
    person = request.user.public_id if is_known else ""  # type: ignore[union-attr]
    entry = {"pending": asdict(pending), "next": after, "is_link": is_link, "person": person, "at": time.time()}
    request.session[IN_SESSION] = [*kept, entry]
    return url


@never_cache
@page("public")
def back(request: HttpRequest, idp: str) -> HttpResponse:
    """Take the provider's answer: sign in, confirm, or link."""
    provider = _provider(idp)
    try:
        entry = _taken(request, provider)
        answer = {name: value for name, value in request.GET.items() if isinstance(value, str)}
        claims = finish(provider, Pending(**entry["pending"]), callback_of(provider), answer)
        return _arrive(request, provider, entry, claims)
    except DomainError as error:
        logger.warning("event=sign_in_refused provider=%s code=%s", provider.public_id, error.code)
        raise


def _taken(request: HttpRequest, provider: SignInProvider) -> dict[str, Any]:
    """Return what was kept of this sign-in, and forget it: an answer is good once, in the browser that asked."""
    state, kept = request.GET.get("state", ""), request.session.get(IN_SESSION, [])
    found = [entry for entry in kept if entry["pending"]["state"] == state]
    if found:
        request.session[IN_SESSION] = [entry for entry in kept if entry is not found[0]]
    if not found or found[0]["at"] < time.time() - SECONDS or found[0]["pending"]["provider_id"] != provider.public_id:
        raise SignInFailed("This answer belongs to no sign-in of this browser, or it took longer than 15 minutes.")
    return dict(found[0])


def _arrive(
    request: HttpRequest, provider: SignInProvider, entry: dict[str, Any], claims: dict[str, Any]
) -> HttpResponse:
    here: Any = request.user
    if entry["person"]:
        if not here.is_authenticated or here.public_id != entry["person"]:
            raise SignInFailed("Somebody else is signed in meanwhile. Begin anew.")
        return _link(request, provider, claims) if entry["is_link"] else _confirm(request, provider, entry, claims)
    user = person_of(provider=provider, claims=claims)
    if here.is_authenticated:
        logout(request)
    record_authentication(request, user, SINGLE_SIGN_ON, provider=provider.public_id)
    # Home, or the second step for who has a second factor here.
    return perform_login(request, Login(user=user, redirect_url=entry["next"]))


def _link(request: HttpRequest, provider: SignInProvider, claims: dict[str, Any]) -> HttpResponse:
    link_identity(provider=provider, claims=claims, user=request.user)  # type: ignore[arg-type]
    messages.success(request, f"{provider} signs in as you from now on.")
    return HttpResponseRedirect("/account/security")


def _confirm(
    request: HttpRequest, provider: SignInProvider, entry: dict[str, Any], claims: dict[str, Any]
) -> HttpResponse:
    """Believe it only where the provider says that it asked anew: the browser could have left that wish out."""
    person: Any = request.user
    is_theirs = Identity.objects.filter(provider=provider, subject=claims["sub"], user=person).exists()
    proved_at = claims.get("auth_time")
    if not is_theirs or not isinstance(proved_at, int) or proved_at < time.time() - FRESH_SECONDS:
        raise SignInFailed(f"{provider} did not ask you to sign in anew. Sign out, then sign in by it.")
    record_authentication(request, person, SINGLE_SIGN_ON, provider=provider.public_id)
    messages.success(request, "Confirmed for the next ten minutes.")
    return HttpResponseRedirect(entry["next"])


@page("signed_in", methods=("POST",))
@confirmed
def unlink(request: HttpRequest, factor: int) -> HttpResponse:
    """Take a linked account away."""
    unlink_identity(identity_id=factor, user=request.user)  # type: ignore[arg-type]
    messages.success(request, "The account is unlinked.")
    return HttpResponseRedirect("/account/security")
