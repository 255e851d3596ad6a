"""System checks of the installation: what is fine for a trial and must not go to production."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@register()
def check_production(**_: Any) -> list[CheckMessage]:
    """Refuse to start in production with demo accounts, any host name, or links that lead to this machine."""
    if settings.GATEHOUSE_MODE != "production":
        return []
    found: list[CheckMessage] = []
    if settings.GATEHOUSE_DEMO:
        found.append(Error("GATEHOUSE_DEMO is on: demo accounts have no place in production.", id="common.E001"))
    if settings.ALLOWED_HOSTS == ["*"]:
        hint = "Name the console's host in GATEHOUSE_ALLOWED_HOSTS."
        found.append(Error("Any host name is accepted.", hint=hint, id="common.E002"))
    if urlsplit(settings.GATEHOUSE_CONSOLE_URL).hostname in LOOPBACK:
        hint = "Set GATEHOUSE_CONSOLE_URL to the address people use."
        found.append(Error("Links and mails would lead to this machine.", hint=hint, id="common.E003"))
    return found
