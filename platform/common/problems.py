"""Problem documents (RFC 9457) of the REST API: the one place where an error becomes a response."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from common.errors import DomainError, Invalid, NotAllowed, NotFound

logger = logging.getLogger("gatehouse.problems")
CONTENT_TYPE = "application/problem+json"


def problem_url(code: str) -> str:
    """Return the public page of a problem code."""
    return f"{settings.GATEHOUSE_CONSOLE_URL}/problems/{code}"


def problem_body(error: DomainError, request_id: str) -> dict[str, Any]:
    """Return the members of the problem document for a domain error."""
    body = {
        "type": problem_url(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        "help": problem_url(error.code),
        **error.context,
    }
    if isinstance(error, Invalid) and error.errors:
        body["errors"] = error.errors
    return body


def problem_response(error: DomainError, request: HttpRequest) -> JsonResponse:
    """Return the problem document as a plain Django response."""
    body = problem_body(error, getattr(request, "request_id", ""))
    return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


def from_validation_error(error: ValidationError) -> Invalid:
    """Turn Django's ValidationError (from full_clean) into Invalid with a pointer per field."""
    if hasattr(error, "error_dict"):
        errors = [
            {"detail": message, "pointer": "" if name == "__all__" else f"/{name}"}
            for name, messages in error.message_dict.items()
            for message in messages
        ]
    else:
        errors = [{"detail": message, "pointer": ""} for message in error.messages]
    return Invalid(" ".join(item["detail"] for item in errors), errors=errors)


def _from_drf(error: exceptions.APIException) -> DomainError:
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flatten(error.detail, ""))
        return Invalid(errors[0]["detail"] if errors else "The body is not valid.", errors=errors)
    domain = DomainError(str(error.detail), code=str(error.default_code).replace("_", "-"))
    domain.status = error.status_code
    domain.title = str(error.default_detail)
    return domain


def _flatten(detail: Any, pointer: str) -> Any:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _flatten(value, pointer if key == "non_field_errors" else f"{pointer}/{key}")
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            yield from _flatten(value, f"{pointer}/{index}" if isinstance(value, (dict, list)) else pointer)
    else:
        yield {"detail": str(detail), "pointer": pointer}


def to_domain_error(error: Exception) -> DomainError | None:
    """Return the domain error an exception stands for, or None when it is none of ours."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, ValidationError):
        return from_validation_error(error)
    if isinstance(error, Http404):
        return NotFound("There is nothing here, or it is not shared with you.")
    if isinstance(error, PermissionDenied):
        return NotAllowed("Your role does not allow this.")
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    return None


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Render what a REST view raised; unknown exceptions go on to Django's 500."""
    domain = to_domain_error(error)
    if domain is None:
        return None
    request = context["request"]._request
    response = Response(problem_body(domain, getattr(request, "request_id", "")), status=domain.status)
    response.content_type = CONTENT_TYPE
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response
