"""The addresses that an API had before it moved to another team lead to where it is, for ever."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse

from apis.models import Api
from apis.selectors.transfers import moved_api
from common.errors import NotFound
from teams.roles import has_permission


class MovedMiddleware:
    """Answer 301 where a page of `{team}/{api}` is not found and the API had that address before."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the redirect, or None to let the refusal stand."""
        match = request.resolver_match
        if not isinstance(exception, NotFound) or match is None or not {"team", "api"} <= match.kwargs.keys():
            return None
        api = moved_api(request.user, match.kwargs["team"], match.kwargs["api"])  # type: ignore[arg-type]
        if api is None:
            return None
        url = _address(request, api)
        response = HttpResponsePermanentRedirect(url)
        if request.method not in ("GET", "HEAD"):
            # A form sent to the old address is sent again as it is (RFC 9110 §15.4.9).
            response.status_code = 308
        return response


def _address(request: HttpRequest, api: Api) -> str:
    match = request.resolver_match
    assert match is not None
    query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
    is_work = match.route.startswith("workspace/")
    if is_work and not has_permission(request.user, api.team, "team.view"):  # type: ignore[arg-type]
        # Whoever worked on it in the team that gave it away sees it in the catalog.
        return reverse("catalog_api", kwargs={"team": api.team.slug, "api": api.slug})
    kwargs = {**match.kwargs, "team": api.team.slug, "api": api.slug}
    return reverse(match.view_name, kwargs=kwargs) + query
