"""The demo's rows, made through the same services people use, so that the gateway hears of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from apis.models import Api, ApiVersion
from apis.services.builtin import ensure_ai_api
from apis.services.imports import import_document
from apis.services.publishing import publish_version
from apis.services.subscriptions import subscribe
from apis.signals import version_changed
from demo.credentials import new_password, read_demo_secrets, write_demo_secrets
from demo.upstream import DOCUMENT
from prompts.services.prompts import create_prompt
from prompts.services.publication import publish_prompt
from providers.models import Provider
from providers.services.models import create_model, set_alias, set_price
from providers.services.providers import create_provider, update_provider
from teams.models import Application, Membership, Role, Team, User
from teams.second_factor import must_add_factor
from teams.services.applications import create_application
from teams.services.audit import record_audit
from teams.services.credentials import issue_credential
from teams.services.people import create_team
from teams.services.tokens import create_access_token

ADMIN, DEVELOPER = "admin@example.com", "developer@example.com"
APPLICATION = "Demo application"
TEAM, MODEL, ALIAS = "demo", "smollm2-135m", "demo-model"
SECRETS = {"admin", "developer", "api_token", "api_key"}
LOOPBACK = "http://127.0.0.1:"
NO_MODEL_URL = "http://127.0.0.1:9"


def seed_demo() -> bool:
    """Seed what is missing and follow ports that changed; return whether this was the first time."""
    with transaction.atomic():
        is_first = not Team.objects.filter(slug=TEAM).exists()
        if is_first:
            secrets = _seed_all()
        else:
            secrets = read_demo_secrets()
            _follow_ports(User.objects.filter(is_platform_admin=True).earliest("id"))
            if not set(secrets) >= SECRETS:
                secrets = _make_anew()
        # Before the commit: a process killed here leaves a file too many, never rows whose secrets nobody knows.
        write_demo_secrets({**secrets, "examples": _examples()})
    return is_first


def _seed_all() -> dict[str, Any]:
    passwords = {ADMIN: new_password(), DEVELOPER: new_password()}
    admin = User.objects.create_superuser(ADMIN, passwords[ADMIN], name="Ada Admin")
    developer = User.objects.create_user(DEVELOPER, passwords[DEVELOPER], name="Dana Developer")
    team = create_team(
        name="Demo", slug=TEAM, actor=admin, required_approvals=0, minimum_notice_days=0,
        description="Shows what Gatehouse does.", contact_email=ADMIN,
    )  # fmt: skip
    Membership.objects.create(user=developer, team=team, role=Role.DEVELOPER)
    orders = _seed_orders(team, admin)
    _seed_model(admin)
    translate = _seed_translate(team, admin)
    ai = ensure_ai_api().versions.get()
    application = create_application(team=team, name=APPLICATION, actor=developer)
    for version in (orders, translate, ai):
        _subscribe(application, version, developer)
    return _secrets(passwords, application)


def _secrets(passwords: dict[str, str], application: Application) -> dict[str, Any]:
    """Make the demo's key and token; return them with the passwords as they are kept."""
    developer, admin = User.objects.get(email=DEVELOPER), User.objects.get(email=ADMIN)
    _, key = issue_credential(application=application, name="demo", actor=developer)
    # An installation that asks for second factors gives no token to somebody without one.
    token = "" if must_add_factor(admin) else create_access_token(user=admin, name="demo")[1]
    return {
        "admin": {"username": ADMIN, "password": passwords[ADMIN]},
        "developer": {"username": DEVELOPER, "password": passwords[DEVELOPER]},
        "api_token": token,
        "api_key": key,
    }


def _make_anew() -> dict[str, Any]:
    """Make new secrets for the people and the application that are there: the file that knew the old ones is lost."""
    passwords = {ADMIN: new_password(), DEVELOPER: new_password()}
    for email, password in passwords.items():
        user = User.objects.get(email=email)
        user.set_password(password)
        user.save(update_fields=["password"])
        record_audit(actor=None, verb="user.set_password", target=user, team=None, reason="The demo's file was lost.")
    return _secrets(passwords, Application.objects.get(team__slug=TEAM, name=APPLICATION))


def _seed_orders(team: Team, admin: User) -> ApiVersion:
    job = import_document(
        actor=admin, team=team, source=json.dumps(DOCUMENT, indent=2), name="Orders", slug="orders",
        summary="Orders of a small shop: list, read, create.", tags=["orders", "demo"],
        upstream_url=settings.GATEHOUSE_DEMO_UPSTREAM_URL,
    )  # fmt: skip
    assert job.api is not None
    return publish_version(version=job.api.versions.select_related("api__team").get(), actor=admin)


def _seed_model(admin: User) -> None:
    provider = create_provider(name="Demo", slug="demo", base_url=_model_url(), actor=admin)
    model = create_model(
        provider=provider, name=MODEL, actor=admin, display_name="SmolLM2 135M (demo, on this machine)",
        context_tokens=2048, max_output_tokens=512,
    )  # fmt: skip
    # A made-up price, so that cost is visible from the first call on.
    set_price(model=model, input_usd_per_million=Decimal("0.10"), output_usd_per_million=Decimal("0.40"), actor=admin)
    set_alias(name=ALIAS, model=model, actor=admin)


def _model_url() -> str:
    return f"{settings.GATEHOUSE_DEMO_MODEL_URL or NO_MODEL_URL}/v1"


def _seed_translate(team: Team, admin: User) -> ApiVersion:
    template = create_prompt(
        team=team, name="Translate", actor=admin, description="Translates a short text with the demo model.",
        text="Translate the following text to {{language}}. Answer with the translation only.\n\n{{text}}",
        parameters=[
            {"name": "text", "type": "string", "description": "What to translate."},
            {"name": "language", "type": "enum", "values": ["French", "German", "Spanish"], "default": "French",
             "is_required": False, "description": "Into which language."},
        ],
        model=ALIAS, max_output_tokens=128, temperature=0.2,
    )  # fmt: skip
    return publish_prompt(version=template.versions.get(), actor=admin, tags=("ai", "demo"))


def _subscribe(application: Application, version: ApiVersion, actor: User) -> None:
    plan = version.api.plans.filter(is_open=True, requires_approval=False).order_by("id").first()
    assert plan is not None
    subscribe(application=application, version=version, plan=plan, actor=actor)


def _follow_ports(admin: User) -> None:
    """Let the published rows follow the demo's services to the ports of this start, unless people changed them."""
    provider = Provider.objects.filter(slug="demo").first()
    is_ours = provider is not None and provider.base_url.startswith(LOOPBACK)
    if provider is not None and is_ours and provider.base_url != _model_url() and settings.GATEHOUSE_DEMO_MODEL_URL:
        update_provider(provider=provider, actor=admin, base_url=_model_url())
    for version in ApiVersion.objects.filter(api__team__slug=TEAM, api__slug="orders", api__kind=Api.Kind.REST):
        rows = version.revisions.exclude(upstream_url=settings.GATEHOUSE_DEMO_UPSTREAM_URL)
        if rows.filter(upstream_url__startswith=LOOPBACK).update(upstream_url=settings.GATEHOUSE_DEMO_UPSTREAM_URL):
            version_changed.send(ApiVersion, version=version)


def _examples() -> list[dict[str, str]]:
    """Return curl lines; the words in braces are filled when the addresses are known."""
    json_type = "-H 'Content-Type: application/json'"
    key = "-H 'Authorization: Bearer {api_key}'"
    chat = '{"model":"demo-model","max_tokens":40,"messages":[{"role":"user","content":"Say hello in five words"}]}'
    return [
        {
            "title": "A REST API behind the gateway",
            "curl": f"curl -s {key} '{{gateway_url}}/demo/orders/v1/orders?limit=2'",
        },
        {
            "title": "A prompt as a REST endpoint",
            "curl": f"curl -s {key} {json_type} "
            """-d '{"text":"Good morning","language":"French"}' {gateway_url}/demo/translate/v1/run""",
        },
        {
            "title": "A model in OpenAI's format",
            "curl": f"curl -s {key} {json_type} -d '{chat}' {{gateway_url}}/v1/chat/completions",
        },
        {
            "title": "Gatehouse's own REST API",
            "curl": "curl -s -H 'Authorization: Bearer {api_token}' {console_url}/api/v1/apis",
        },
    ]
