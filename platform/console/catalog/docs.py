"""The docs of a version: its operations, one operation with samples, a key in one step, try-it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from apis.design.operations import OperationNotFound
from apis.design.render import OperationView, describe_operation
from apis.design.samples import code_samples
from apis.models import ApiVersion, Revision, Subscription
from apis.selectors import revision_in, version_for
from apis.selectors.overlays import shown_document, shown_operations
from apis.services.keys import get_key
from common.errors import NotAllowed, NotFound
from common.permissions import page
from console.catalog.relay import Relayed, relay_call
from console.catalog.views import choice_of_environment, head_of
from console.pages import render_page
from gateway.control.rollout import wait_until_applied
from teams.models import User
from teams.roles import teams_with

# What may stand in a query as it is (RFC 3986 §3.4); % is that of values that are encoded already.
QUERY_SIGNS = "!$&'()*+,;=:@/?-._~%"
KEY_WORD = "$GATEHOUSE_KEY"


@page("signed_in")
def docs(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """List a version's operations, narrowed by `?q=`."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    choice = choice_of_environment(request, found)
    revision = _revision(found, choice["environment"])
    words = request.GET.get("q", "").strip()[:100].lower()
    operations = [
        row
        for row in shown_operations(found, revision, choice["environment"])
        if not words or words in f"{row.method} {row.path} {row.summary} {row.operation_id}".lower()
    ]
    context = {**head_of(found, user, "docs"), **choice, "operations": operations, "words": words}
    return render_page(request, "catalog/docs.html", context, fragment="operations")


def _revision(version: ApiVersion, environment: str) -> Revision:
    revision = revision_in(version, environment)
    if revision is None or not revision.document:
        raise NotFound("This version has no document yet.")
    return revision


@never_cache
@page("signed_in", methods=("GET", "HEAD", "POST"))
def operation(request: HttpRequest, team: str, api: str, version: str, operation_id: str) -> HttpResponse:
    """Show one operation; POST relays a try-it call through the gateway."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    choice = choice_of_environment(request, found)
    revision = _revision(found, choice["environment"])
    try:
        view = describe_operation(shown_document(found, revision, choice["environment"]), operation_id)
    except OperationNotFound as error:
        raise NotFound(f"There is no operation {operation_id[:100]!r} in {found}.") from error
    subscription = subscription_to_try(user, found)
    result = None
    if request.method == "POST":
        if subscription is None:
            raise NotAllowed("A call is tried under a subscription of an application of yours: subscribe first.")
        result = _send(request, user, subscription, view)
    context = {
        **_operation_context(found, user, view, revision, choice),
        "subscription": subscription,
        "result": result,
    }
    context["form"] = _try_form(view, request.POST if request.method == "POST" else None)
    return render_page(request, "catalog/operation.html", context, fragment="response")


def _operation_context(
    version: ApiVersion, user: User, view: OperationView, revision: Revision, choice: dict[str, Any]
) -> dict[str, Any]:
    head = head_of(version, user, "docs")
    return {
        **head,
        **choice,
        "operation": view,
        "operations": shown_operations(version, revision, choice["environment"])[:300],
        "samples": samples_of(view, head["base_url"], KEY_WORD),
    }


def example_url(view: OperationView, base_url: str) -> str:
    """Return the operation's URL with example values in the path and the required query parameters."""
    path, query = view.path, []
    whole = ""
    for parameter in view.parameters:
        value = parameter.example.strip('"') or "1"
        if parameter.location == "path":
            path = path.replace("{" + parameter.name + "}", quote(value, safe=""))
        elif parameter.location == "query" and parameter.is_required:
            query.append((parameter.name, value))
        elif parameter.location == "querystring" and parameter.is_required:
            whole = quote(parameter.example, safe=QUERY_SIGNS)
    return f"{base_url}{path}" + _query(query, whole)


def _query(pairs: list[tuple[str, str]], whole: str) -> str:
    """Return what stands behind the path: pairs, or the one value that is the whole query (OpenAPI 3.2)."""
    text = "&".join(filter(None, (whole, urlencode(pairs))))
    return f"?{text}" if text else ""


def samples_of(view: OperationView, base_url: str, key: str) -> list[Any]:
    """Return the call in each language."""
    body = view.request_body.media[0].example if view.request_body and view.request_body.media else None
    return code_samples(view.method, example_url(view, base_url), {"Authorization": f"Bearer {key}"}, body)


def subscription_to_try(user: User, version: ApiVersion) -> Subscription | None:
    """Return the person's newest active subscription to a version, of any application of their teams."""
    return (
        Subscription.objects.filter(
            version=version,
            state__in=["active", "change_pending"],
            application__team__in=teams_with(user, "keys.manage"),
        )
        .select_related("application__team", "version__api__team", "plan")
        .order_by("-id")
        .first()
    )


def _try_form(view: OperationView, given: Any) -> dict[str, Any]:
    """Return the fields of the try-it form with what was typed, else examples."""
    fields = [
        {
            "name": parameter.name,
            "key": f"{parameter.location}.{parameter.name}",
            "location": parameter.location,
            "is_required": parameter.is_required,
            "type_text": parameter.type_text,
            "enum": [value.strip('"') for value in parameter.enum],
            "value": given.get(f"{parameter.location}.{parameter.name}", "")
            if given
            else (parameter.example.strip('"') if parameter.is_required else ""),
        }
        for parameter in view.parameters
        if parameter.location in {"path", "query", "querystring", "header"}
    ]
    body = ""
    if view.request_body and view.request_body.media:
        body = given.get("body", "") if given else view.request_body.media[0].example_text
    return {"fields": fields, "body": body, "has_body": view.request_body is not None}


def _send(request: HttpRequest, user: User, subscription: Subscription, view: OperationView) -> Relayed:
    path, query, headers = view.path, [], {}
    whole = ""
    for field in _try_form(view, request.POST)["fields"]:
        if not field["value"]:
            continue
        if field["location"] == "path":
            path = path.replace("{" + field["name"] + "}", quote(field["value"], safe=""))
        elif field["location"] == "query":
            query.append((field["name"], field["value"]))
        elif field["location"] == "querystring":
            whole = quote(field["value"].lstrip("?"), safe=QUERY_SIGNS)
        else:
            headers[field["name"]] = field["value"]
    version = subscription.version
    target = f"{version.api.base_path}/{version.name}{path}" + _query(query, whole)
    body = None
    if view.request_body is not None:
        body = request.POST.get("body", "").encode()
        headers["content-type"] = view.request_body.media[0].media_type if view.request_body.media else "text/plain"
    return relay_call(
        user=user, subscription=subscription, method=view.method, target=target, headers=headers, body=body
    )


@never_cache
@page("signed_in", methods=("POST",))
def take_key(request: HttpRequest, team: str, api: str, version: str, operation_id: str) -> HttpResponse:
    """Give application, subscription and key in one step, and show the key inside the operation's curl."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    choice = choice_of_environment(request, found)
    revision = _revision(found, choice["environment"])
    view = describe_operation(shown_document(found, revision, choice["environment"]), operation_id)
    grant = get_key(version=found, actor=user)
    applied = wait_until_applied("credential", grant.credential.public_id)
    curl = samples_of(view, head_of(found, user, "docs")["base_url"], grant.key)[0].code
    context = {
        **_operation_context(found, user, view, revision, choice),
        "subscription": grant.subscription,
        "grant": grant,
        "applied": applied,
        "curl": curl,
        "form": _try_form(view, None),
    }
    return render_page(request, "catalog/operation.html", context, fragment="call")
