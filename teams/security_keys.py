"""Security keys (WebAuthn): challenges, and whether an answer is good. The challenge lies in the session, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError

from common.errors import Invalid
from teams.models import User
from teams.second_factor import count_attempt

Result = TypeVar("Result")
# What the parser raises for an answer that no key makes; it takes the shape of its input for granted.
MALFORMED = (ValidationError, ValueError, TypeError, KeyError, IndexError, AttributeError)


def registration_challenge(user: User) -> dict[str, Any]:
    """Return what the browser asks a new key."""
    return auth.begin_registration(user, passwordless=False)


def check_registration(credential: Any) -> None:
    """Raise Invalid unless a new key gave this answer to the challenge, for this console."""

    def check() -> None:
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)

    _checked(check)


def sign_in_challenge(user: User) -> dict[str, Any]:
    """Return what the browser asks one of the person's keys."""
    return auth.begin_authentication(user)


def check_key(*, user: User, credential: Any) -> Authenticator:
    """Return the key that gave this answer to the challenge; raise Invalid for any other."""
    forget = count_attempt(user)

    def check() -> Authenticator:
        auth.parse_authentication_response(credential)
        return auth.complete_authentication(user, credential)

    key = _checked(check)
    forget()
    return key


def _checked(check: Callable[[], Result]) -> Result:
    try:
        return check()
    except MALFORMED as error:
        raise Invalid("The security key was not accepted. Try again, or use another way.") from error
