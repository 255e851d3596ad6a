"""Mock answers of a version, also before it is published: no upstream, no key, nothing is counted.

`Prefer: code=404, example=none-left` chooses among what the document describes (RFC 7240's syntax);
`Gatehouse-Mock-Latency-Ms` waits before the answer; `Gatehouse-Mock-Environment` takes the overlays of another
environment than production.
"""

from __future__ import annotations

import re
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import AuthenticationFailed

from apis.design.mock import FIRST_STATUS, LAST_STATUS, NoMock, mock_answer
from apis.selectors import version_for, working_copy
from apis.selectors.overlays import read_environment, shown_document
from common.errors import NotFound
from common.permissions import page
from teams.authentication import AccessTokenAuthentication

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")
PREFERENCE = re.compile(r'(?P<name>code|example)\s*=\s*"?(?P<value>[^",;\s]+)"?')
LONGEST_MS = 10_000
SIGN_IN = "Sign in, or send an access token: Authorization: Bearer gh_pat_…"


# It changes nothing and reads no body: a form of another site that posts here learns and does nothing.
@csrf_exempt
@page("public", methods=METHODS)
def mock(request: HttpRequest, team: str, api: str, version: str, path: str = "") -> HttpResponse:
    """Answer as the version's document says it would."""
    user = _who(request)
    if user is None:
        refusal = JsonResponse({"detail": SIGN_IN}, status=401)
        refusal["WWW-Authenticate"] = AccessTokenAuthentication().authenticate_header(request)
        return refusal
    found = version_for(user, team, api, version)
    revision = working_copy(found)
    if revision is None or not revision.document:
        raise NotFound("This version has no document yet.")
    wanted = _preferences(request.headers.get("Prefer", ""))
    document = shown_document(found, revision, read_environment(request.headers.get("Gatehouse-Mock-Environment", "")))
    method = request.method or "GET"
    try:
        answer = mock_answer(document, method, f"/{path}", status=wanted["code"], example=wanted["example"])
    except NoMock as error:
        raise NotFound(str(error)) from error
    time.sleep(_latency(request.headers.get("Gatehouse-Mock-Latency-Ms", "")))
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.media_type or None)
    if not answer.media_type:
        del response["Content-Type"]
    for name, value in answer.headers:
        response[name] = value
    response["Gatehouse-Mock"] = f"{answer.operation_id}, revision {revision.number}"
    # What authors wrote must not run as a page of the console.
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _who(request: HttpRequest) -> Any:
    try:
        found = AccessTokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        return None
    if found is not None:
        return found[0]
    return request.user if request.user.is_authenticated else None


def _preferences(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {"code": None, "example": ""}
    for match in PREFERENCE.finditer(text[:500]):
        found[match["name"]] = match["value"]
    code = found["code"]
    if code is not None:
        if not code.isdecimal() or not FIRST_STATUS <= int(code[:4]) <= LAST_STATUS:
            raise NotFound(f"Prefer: code={code[:20]} is no status; ask for one of 100 to 599.")
        found["code"] = int(code)
    return found


def _latency(text: str) -> float:
    return min(int(text), LONGEST_MS) / 1000 if text.isdecimal() and len(text) < 9 else 0.0
