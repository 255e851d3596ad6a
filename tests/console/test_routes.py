"""Every route, pages and REST, names its permission and answers owner, member, stranger and nobody sensibly."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apis.models import (
    Api,
    ApiVersion,
    Collection,
    Environment,
    ImportJob,
    Overlay,
    Plan,
    Revision,
    Subscription,
    Transfer,
)
from apis.services.collections import create_collection
from apis.services.imports import import_document
from apis.services.keys import get_key
from apis.services.overlays import create_overlay
from apis.services.publishing import publish_version
from common.clock import now
from common.permission_names import TEAM_PERMISSIONS
from common.permissions import PERMISSIONS, declared_permission
from demo.upstream import DOCUMENT
from manifests.models import ManifestApply
from manifests.plan import Plan as ManifestPlan
from manifests.reading import read_manifests
from manifests.services.applying import Options, apply_manifests
from prompts.models import PromptTemplate
from prompts.services.prompts import create_prompt
from providers.models import Provider
from providers.services.providers import create_provider
from teams.models import (
    Application,
    AuditEvent,
    Credential,
    CustomRole,
    Delivery,
    Invitation,
    Notice,
    Team,
    User,
    Webhook,
)
from teams.permissions import AUDITOR
from teams.services.notices import notify
from teams.services.people import invite_member
from teams.services.service_accounts import create_service_account
from teams.services.webhooks import create_webhook, send_test

pytestmark = pytest.mark.django_db

NOT_OURS = ("staff/",)
OVERLAY = "overlay: 1.1.0\ninfo: {title: Notes, version: 1.0.0}\nactions:\n- {target: $.info, update: {x-notes: a}}\n"
CONVERTER = re.compile(r"<(?:[a-z]+:)?(?P<name>[a-z_]+)>")


def routes() -> list[tuple[str, Any]]:
    """Return every route's template and its callback."""
    found: list[tuple[str, Any]] = []

    def walk(patterns: list[Any], prefix: str) -> None:
        for entry in patterns:
            here = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry.url_patterns, here)
            elif isinstance(entry, URLPattern) and not here.startswith(NOT_OURS):
                found.append((here, entry.callback))

    walk(get_resolver().url_patterns, "")
    return found


ROUTES = routes()
PAGES = [(path, view) for path, view in ROUTES if not path.startswith("api/")]
REST = [(path, view) for path, view in ROUTES if path.startswith("api/") and not path.endswith("openapi.json")]


@pytest.mark.parametrize(("path", "view"), PAGES, ids=[path or "home" for path, _ in PAGES])
def test_every_page_names_its_permission(path, view):
    assert getattr(view, "permission", None) in PERMISSIONS


@pytest.mark.parametrize(("path", "view"), REST, ids=[path for path, _ in REST])
def test_every_rest_action_names_its_permission(path, view):
    actions = getattr(view, "actions", None) or {name: name for name in view.view_class.http_method_names}
    own = [
        action
        for method, action in actions.items()
        if method != "options" and (hasattr(view, "actions") or hasattr(view.view_class, method))
    ]
    cls = getattr(view, "cls", None) or view.view_class
    assert own
    for action in own:
        assert declared_permission(cls, action) in PERMISSIONS, action


@pytest.fixture
def world(admin, owner, publisher, developer, member, stranger, team) -> dict[str, str]:
    """Fill every kind of row that a route names; return what stands for each name."""
    job = import_document(
        actor=owner, team=team, source=json.dumps(DOCUMENT), name="Orders", slug="orders",
        upstream_url="http://127.0.0.1:9", visibility="team",
    )  # fmt: skip
    version = publish_version(version=job.api.versions.select_related("api__team").get(), actor=owner)
    grant = get_key(version=version, actor=developer)
    provider = create_provider(
        name="Local", slug="local", base_url="http://127.0.0.1:9/v1", secret="sk-1", models=["m"], actor=admin
    )
    prompt = create_prompt(team=team, name="Say", text="Say {{text}}", model="local/m", actor=owner)
    invitation, _ = invite_member(team=team, email="new@example.com", role="viewer", actor=owner)
    webhook, _ = create_webhook(team=team, url="http://127.0.0.1:9", actor=owner)
    Environment.objects.create(slug="staging", name="Staging")
    overlay = create_overlay(version=version, name="Notes", source=OVERLAY, actor=owner)
    giver = Team.objects.create(slug="giver", name="Giver")
    given = Application.objects.create(team=giver, name="Given", created_by=admin)
    transfer = Transfer.objects.create(
        application=given, from_team=giver, to_team=team, requested_by=admin, expires_at=now() + timedelta(days=1)
    )
    notify(people=[owner], title="Look", text="Here.", url="/catalog")
    return {
        "account": create_service_account(team=team, name="CI", role="developer", actor=owner).user.public_id,
        "factor": "1", "idp": "idp_none",
        "collection": create_collection(team=team, name="Shop", actor=owner).slug,
        "transfer": transfer.public_id, "brownout": "brn_none", "access": "acr_none", "environment": "staging",
        "waiver": "lwv_none", "path": "orders", "comment": "rcm_none", "user": member.public_id, "planned": "pmv_none",
        "role": CustomRole.objects.create(
            team=team, slug="captain", name="Captain", permissions=["team.view"]
        ).public_id,
        "overlay": overlay.public_id,
        "webhook": webhook.public_id, "delivery": send_test(webhook=webhook, actor=owner).public_id,
        "notice": Notice.objects.get().public_id,
        "team": team.slug, "api": "orders", "version": "v1", "operation_id": "listOrders", "code": "key-missing",
        "app": grant.application.public_id, "application": grant.application.public_id,
        "key": grant.credential.public_id, "subscription": grant.subscription.public_id,
        "plan": grant.subscription.plan.public_id, "job": job.public_id, "number": "1", "move": "submit",
        "member": developer.public_id, "invitation": invitation.public_id, "token_id": "pat_none",
        "apply": applied(owner, team).apply_id,
        "provider": provider.slug, "name": "m", "prompt": prompt.slug, "request_id": grant.credential.public_id,
    }  # fmt: skip


def applied(owner: User, team: Team) -> ManifestPlan:
    """Apply one manifest, so that there is an apply to look at."""
    sent = [{"apiVersion": "gatehouse/v1", "kind": "Application", "metadata": {"team": team.slug, "name": "Kept"}}]
    return apply_manifests(manifests=read_manifests(objects=sent), actor=owner, options=Options(source="repo"))


def address(path: str, world: dict[str, str]) -> str:
    return "/" + CONVERTER.sub(lambda match: world[match["name"]], path)


def statuses(client: Client, world: dict[str, str]) -> dict[str, int]:
    """Return what each page answers to a GET."""
    return {path: client.get(address(path, world)).status_code for path, _ in PAGES}


# Pages of the team's own things, which a stranger must not learn of.
OF_THE_TEAM = re.compile(
    r"^(catalog/<slug:team>|manifests/<|workspace/(<slug:team>|imports)|applications/<|teams/<|ai/prompts/<|transfers/<)"
)


def test_pages_answer_an_owner(world, owner, as_user):
    answers = statuses(as_user(owner), world)
    # The built-in pages of platform admins, of staff and of what needs a POST are the only refusals.
    refused = {path: status for path, status in answers.items() if status >= 400}
    allowed = {403, 404, 405, 409}
    assert set(refused.values()) <= allowed, refused
    wrongly = [path for path, status in refused.items() if status in (403, 404) and OF_THE_TEAM.match(path)]
    # A move that the state does not allow, and a change that the revision does not hold.
    version = "workspace/<slug:team>/<slug:api>/<str:version>"
    # No lint rule is called as what stands for each code in addresses.
    rule = {f"{version}/lint/<str:code>/waive"}
    # An API that is not shared with some teams alone, so nobody asks for it.
    asked = {"catalog/<slug:team>/<slug:api>/ask"}
    expected = asked | rule | {f"{version}/moves/<slug:move>", f"{version}/revisions/<int:number>/waive/<slug:key>"}
    assert set(wrongly) <= expected, refused


def test_pages_answer_a_member_without_an_error_of_ours(world, member, as_user):
    answers = statuses(as_user(member), world)
    assert not {path: status for path, status in answers.items() if status >= 500}


@pytest.fixture
def auditor(make_user):
    return make_user("auditor", is_auditor=True)


def test_an_auditor_sees_what_is_the_teams(world, auditor, as_user):
    client = as_user(auditor)
    answers = statuses(client, world)
    assert not {path: status for path, status in answers.items() if status >= 500}
    seen = ("catalog/<slug:team>/<slug:api>", "workspace/<slug:team>/<slug:api>", "applications/<str:app>",
            "teams/<slug:team>/members", "ai/prompts/<slug:team>/<slug:prompt>", "admin/audit", "admin/audit/chain",
            "admin/gateways", "usage/costs")  # fmt: skip
    assert {path: answers[path] for path in seen} == dict.fromkeys(seen, 200)
    assert answers["admin/users"] == 403
    page = client.get("/").content.decode()
    assert "/admin/gateways" in page


# The rows that stand for an id of the API, by the name of their list.
ROWS = {
    "apis": Api, "versions": ApiVersion, "revisions": Revision, "plans": Plan, "subscriptions": Subscription,
    "applications": Application, "credentials": Credential, "teams": Team, "prompts": PromptTemplate,
    "providers": Provider, "webhooks": Webhook, "notices": Notice, "users": User, "imports": ImportJob,
    "collections": Collection, "invitations": Invitation, "deliveries": Delivery, "roles": CustomRole,
    "overlays": Overlay,
    "transfers": Transfer,
    "applies": ManifestApply,
}  # fmt: skip


def rest_address(path: str, world: dict[str, str]) -> str:
    """Fill an address of the API: `<str:public_id>` by the first row of the list before it."""
    parts = path.split("/")
    if "<str:public_id>" in parts:
        name = parts[parts.index("<str:public_id>") - 1]
        row = ROWS[name].objects.order_by("pk").first() if name in ROWS else None
        world = world | {"public_id": row.public_id if row else "none"}
    return address(path, {"call_id": "none", "revision": "1"} | world)


def test_an_auditor_changes_nothing_of_the_teams(world, auditor, as_user, api_as):
    client, api = as_user(auditor), api_as(auditor)
    refused = 0
    for path, _ in REST:
        for method in ("post", "put", "patch", "delete"):
            status = getattr(api, method)(rest_address(path, world), {}, format="json").status_code
            assert status < 500, (method, path)
            refused += status == 403
    assert refused > 60
    told = {}
    for path, view in PAGES:
        if "POST" in view.methods and path not in ("logout", "login"):
            told[path] = client.post(address(path, world), {"form_token": "a" * 24}).status_code
            assert told[path] < 500, path
    # A page is closed to whoever lacks the permission that it names.
    open_to_all = {
        path: status
        for path, view in PAGES
        if OF_THE_TEAM.match(path)
        and view.permission in TEAM_PERMISSIONS
        and view.permission not in AUDITOR
        and (status := client.get(address(path, world)).status_code) not in (403, 404, 405)
    }
    assert open_to_all == {}
    # Who may not is told so, not what their form lacks.
    asked = {path: status for path, status in told.items() if OF_THE_TEAM.match(path) and status not in (403, 404)}
    # One's own favourites, and what only shows how something would look.
    assert asked == {
        "catalog/<slug:team>/<slug:api>/star": 302,
        "workspace/<slug:team>/<slug:api>/<str:version>/overlays/preview": 200,
    }
    changed = AuditEvent.objects.filter(actor=auditor).exclude(object_type__in=("user", "token"))
    assert [str(event) for event in changed] == []


def test_a_stranger_learns_of_nothing_that_is_the_teams(world, stranger, as_user):
    answers = statuses(as_user(stranger), world)
    assert not {path: status for path, status in answers.items() if status >= 500}
    learned = {path: status for path, status in answers.items() if OF_THE_TEAM.match(path) and status not in (404, 405)}
    assert not learned


def test_nobody_is_sent_to_sign_in(world, as_user):
    views = dict(PAGES)
    for path, status in statuses(as_user(), world).items():
        if views[path].permission == "public":
            assert status in (200, 302, 401, 404), path
        else:
            assert status in (302, 405), path


def test_rest_lists_answer_by_who_asks(world, admin, owner, member, stranger, api_as):
    lists = [path for path, view in REST if "<" not in path and "get" in (getattr(view, "actions", None) or {"get": 1})]
    for person, wanted in ((admin, {200}), (owner, {200, 403, 405}), (member, {200, 403, 405})):
        answers = {path: api_as(person).get(f"/{path}").status_code for path in lists}
        assert set(answers.values()) <= wanted | {405, 422}, (person.name, answers)
    outside = {path: api_as(stranger).get(f"/{path}") for path in lists}
    assert not [path for path, answer in outside.items() if answer.status_code >= 500]
    seen = outside["api/v1/applications"].json()["results"] + outside["api/v1/prompts"].json()["results"]
    assert seen == []
    anonymous = {path: api_as().get(f"/{path}").status_code for path in lists}
    assert set(anonymous.values()) <= {401, 405}, anonymous
