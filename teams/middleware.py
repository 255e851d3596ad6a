"""Leads a person whom the installation asks for a second factor to its set-up, before anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.errors import NotAllowed
from common.problems import problem_response
from teams.second_factor import require_factor

SET_UP = "/account/security"
# What is open meanwhile: the set-up itself, confirming and leaving; exact paths, or all beneath one that ends in "/".
OPEN = (SET_UP, f"{SET_UP}/", "/account/confirm", "/logout", "/static/", "/problems/")


class SecondFactorMiddleware:
    """Redirects pages, refuses REST by a session; an access token was made by somebody who was let in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_open(request.path) or _has_token(request) or not request.user.is_authenticated:
            return self.get_response(request)
        person: Any = request.user
        try:
            require_factor(person)
        except NotAllowed as error:
            return _refuse(request, error)
        return self.get_response(request)


def _is_open(path: str) -> bool:
    return any(path == known or (known.endswith("/") and path.startswith(known)) for known in OPEN)


def _has_token(request: HttpRequest) -> bool:
    """With this header REST looks at the token alone, never at the session (teams.authentication)."""
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    return request.path.startswith("/api/") and scheme.lower() == "bearer"


def _refuse(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(error, request)
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=403)
        response["HX-Redirect"] = SET_UP
        return response
    return HttpResponseRedirect(SET_UP)
