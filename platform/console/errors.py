"""The error pages: one sentence, the request id, two ways on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.errors import DomainError, NotAllowed, NotFound
from common.problems import problem_response


def _answer(request: HttpRequest, error: DomainError) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(error, request)
    return render(request, "errors/problem.html", {"error": error, "status": error.status}, status=error.status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400."""
    return _answer(request, DomainError("The request could not be read. Go back and try again."))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return _answer(request, NotAllowed("Your role does not allow this. Ask an owner of the team."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 when the form's token is missing or old."""
    return _answer(
        request,
        NotAllowed("This form is too old to be accepted. Reload the page and send it again.", code="form-expired"),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, the same for what is not there and for what may not be known."""
    return _answer(request, NotFound("There is nothing at this address, or it is not shared with you."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without touching the database."""
    error = DomainError("Something broke on our side. Nothing was changed by this request.", code="internal-error")
    error.status, error.title = 500, "Something broke"
    return _answer(request, error)
