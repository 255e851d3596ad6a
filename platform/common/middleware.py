"""Two middlewares: a request id on every answer, and domain errors as pages or problems."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.identifiers import new_request_id
from common.problems import problem_response, to_domain_error
from common.request import set_request_id


class RequestIdMiddleware:
    """Mint `request.request_id` and answer it as X-Request-Id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = new_request_id()  # type: ignore[attr-defined]
        set_request_id(request.request_id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class DomainErrorMiddleware:
    """Render what a page's view raised: a page for people, a problem document under /api/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the response of a known refusal; None lets Django go on to 500."""
        error = to_domain_error(exception)
        if error is None:
            return None
        if request.path.startswith("/api/"):
            return problem_response(error, request)
        is_partial = request.headers.get("HX-Request-Type") == "partial"
        template = "errors/_problem.html" if is_partial else "errors/problem.html"
        return render(request, template, {"error": error, "status": error.status}, status=error.status)
