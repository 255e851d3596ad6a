"""Second factors: who has one, who must have one, and whether a code is good."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from common.errors import Invalid, NotAllowed
from teams.models import User

APP, KEY, CODES = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES
STEP_SECONDS = 30
# A clock may be one step off either way (RFC 6238 §5.2).
DRIFT_STEPS = (0, -1, 1)


def second_factors_of(user: User) -> QuerySet[Authenticator]:
    """Return a person's app and security keys, oldest first; recovery codes are none by themselves."""
    return Authenticator.objects.filter(user=user, type__in=(APP, KEY)).order_by("pk")


def has_second_factor(user: User) -> bool:
    """Say whether a person has an app or a security key."""
    return second_factors_of(user).exists()


def has_factor_of(outer: str) -> Exists:
    """Return the annotation that says it of the person `outer` points to."""
    return Exists(Authenticator.objects.filter(user=OuterRef(outer), type__in=(APP, KEY)))


def must_add_factor(user: User) -> bool:
    """Say whether the installation asks this person for a second factor that they do not have."""
    asked = settings.GATEHOUSE_REQUIRE_SECOND_FACTOR
    if asked == "none" or user.is_service_account or (asked == "admins" and not user.is_platform_admin):
        return False
    return not has_second_factor(user)


def require_factor(user: User) -> None:
    """Raise NotAllowed for a person who must set up a second factor first."""
    if must_add_factor(user):
        detail = "The installation asks for a second factor. Set one up at /account/security first."
        raise NotAllowed(detail, code="second-factor-required")


def keys_are_possible() -> bool:
    """Say whether browsers speak to security keys here: a name, not an IP address, and https unless localhost."""
    url = urlsplit(settings.GATEHOUSE_CONSOLE_URL)
    host = url.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return url.scheme == "https" or host == "localhost"
    return False


def matching_step(secret: str, code: str, *, after: int = -1) -> int | None:
    """Return the time step whose code this is, None for a wrong one; steps up to `after` were used already."""
    given = "".join(code.split())
    current = int(time.time()) // STEP_SECONDS
    for step in (current + drift for drift in DRIFT_STEPS):
        wanted = format_hotp_value(hotp_value(secret, step))
        if step > after and hmac.compare_digest(given.encode(), wanted.encode()):
            return step
    return None


def count_attempt(user: User) -> Callable[[], None]:
    """Count a try of a code; raise Invalid after too many. The function returned forgets the tries."""
    try:
        return check_rate_limit(user)
    except ValidationError as error:
        detail = "Too many wrong codes. Wait five minutes, then try the newest one."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/code"}]) from error


def check_code(*, user: User, code: str) -> Authenticator:
    """Return the factor that a code of the app or a recovery code stands for; each is good once. Raise Invalid."""
    forget = count_attempt(user)
    with transaction.atomic():
        rows: Any = Authenticator.objects.select_for_update().filter(user=user, type__in=(APP, CODES)).order_by("pk")
        for row in rows:
            if _takes(row, code):
                forget()
                row.user = user
                return row
    detail = "This code is wrong, or was used already. Type the newest one of your app, or a recovery code."
    raise Invalid(detail, errors=[{"detail": detail, "pointer": "/code"}])


def _takes(row: Authenticator, code: str) -> bool:
    if row.type == CODES:
        return RecoveryCodes(row).validate_code(code)
    step = matching_step(decrypt(row.data["secret"]), code, after=row.data.get("last_step", -1))
    if step is None:
        return False
    row.data["last_step"] = step
    row.save(update_fields=["data"])
    return True
