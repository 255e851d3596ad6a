"""The api-catalog: a linkset of the APIs that are served, for machines (RFC 9727, RFC 9264)."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import AuthenticationFailed

from apis.models import ApiVersion
from apis.selectors import version_url, visible_versions
from common.permissions import page
from teams.authentication import AccessTokenAuthentication

PROFILE = "https://www.rfc-editor.org/info/rfc9727"
MEDIA_TYPE = f'application/linkset+json; profile="{PROFILE}"'
ADDRESS = "/.well-known/api-catalog"
# A tombstone is no API any more (RFC 9727 §6.2 asks to drop what is retired).
SERVED = ("published", "deprecated")
MOST = 20_000


@page("public")
def api_catalog(request: HttpRequest) -> HttpResponse:
    """Answer public APIs, and to a signed-in person or an access token all that they may see."""
    authentication = AccessTokenAuthentication()
    try:
        found = authentication.authenticate(request)
    except AuthenticationFailed as error:
        response = HttpResponse(str(error.detail), status=401, content_type="text/plain")
        response["WWW-Authenticate"] = authentication.authenticate_header(request)
        return response
    user: Any = found[0] if found else request.user
    rows = visible_versions(user).filter(state__in=SERVED).order_by("api__name", "pk")[:MOST]
    links = [_context(version, is_known=user.is_authenticated) for version in rows]
    here = f"{settings.GATEHOUSE_CONSOLE_URL}{ADDRESS}"
    whole: dict[str, Any] = {"anchor": here, "item": [{"href": link["anchor"]} for link in links]}
    response = HttpResponse(json.dumps({"linkset": [whole, *links]}), content_type=MEDIA_TYPE)
    # RFC 9727 §2: HEAD carries the link too.
    response["Link"] = (
        f'<{settings.GATEHOUSE_CONSOLE_URL}{ADDRESS}>; rel="api-catalog"; type="application/linkset+json"'
    )
    response["Cache-Control"] = "private, max-age=60" if user.is_authenticated else "public, max-age=60"
    response["Vary"] = "Authorization, Cookie"
    return response


def _context(version: ApiVersion, *, is_known: bool) -> dict[str, Any]:
    base = f"{settings.GATEHOUSE_CONSOLE_URL}/catalog/{version.api.team.slug}/{version.api.slug}/{version.name}"
    links: dict[str, Any] = {
        "anchor": version_url(version),
        "service-desc": [{"href": f"{base}/openapi.json", "type": "application/vnd.oai.openapi+json"}],
    }
    if is_known:
        links["service-doc"] = [{"href": f"{base}/docs", "type": "text/html"}]
        links["service-meta"] = [
            {
                "href": f"{settings.GATEHOUSE_CONSOLE_URL}/api/v1/versions/{version.public_id}",
                "type": "application/json",
            }
        ]
    if version.state == "deprecated":
        links["deprecation"] = [{"href": base, "type": "text/html"}]
    return links
