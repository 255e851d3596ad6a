"""How allauth behaves here: sign-up is closed, secrets of second factors are sealed, nobody sees its own pages."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from common.errors import NotAllowed
from common.sealed import sealer

FACTOR_CONTEXT = "second_factor"


class AccountAdapter(DefaultAccountAdapter):
    """Refuses open sign-up and deactivated people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no: an invitation is the only way in."""
        return False

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Refuse a deactivated person on our own page."""
        raise NotAllowed("This account is deactivated. A platform admin can let you back in.")


class FactorAdapter(DefaultMFAAdapter):
    """Seals secrets, and names the console by its public address whatever host the request names."""

    def encrypt(self, text: str) -> str:
        """Return the sealed text."""
        return base64.b64encode(sealer().seal(text.encode(), context=FACTOR_CONTEXT)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the text that was sealed."""
        return sealer().open(base64.b64decode(encrypted_text), context=FACTOR_CONTEXT).decode()

    def get_totp_issuer(self) -> str:
        """Return how an authenticator app calls us."""
        return f"Gatehouse {console_host()}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom a security key speaks to."""
        return {"id": console_host(), "name": "Gatehouse"}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """Return whom a key belongs to: the public id, which says nothing of the person."""
        return {"id": user.public_id.encode(), "display_name": user.name, "name": user.email}


def console_host() -> str:
    """Return the host name of the console's public address."""
    return urlsplit(settings.GATEHOUSE_CONSOLE_URL).hostname or "localhost"
