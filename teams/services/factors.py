"""Second factors are added, removed and reset here: each change is audited and told to the person by mail."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction
from django.db.models import F

from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import User
from teams.second_factor import APP, CODES, KEY, count_attempt, matching_step, second_factors_of
from teams.services.audit import record_audit
from teams.services.notices import notify

MOST_KEYS = 10
PAGE = "/account/security"


def add_app(*, user: User, secret: str, code: str) -> tuple[Authenticator, list[str]]:
    """Add an authenticator app that has shown a good code; return it and the first recovery codes, if they are new."""
    forget = count_attempt(user)
    step = matching_step(secret, code)
    if step is None:
        detail = "This code is wrong. Scan the picture, then type the code the app shows now."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/code"}])
    forget()
    with transaction.atomic():
        _lock(user)
        if Authenticator.objects.filter(user=user, type=APP).exists():
            raise Conflict("You have an authenticator app already: remove it first.", code="move-not-possible")
        app = TOTP.activate(user, secret).instance
        # The code that proved the app does not sign in as well.
        app.data["last_step"] = step
        app.save(update_fields=["data"])
        codes = _first_codes(user)
        _record(user, "user.add_factor", app)
        _tell(user, "An authenticator app was added", "Signing in as you asks for its code from now on.")
    return app, codes


def add_key(*, user: User, name: str, credential: dict[str, Any]) -> tuple[Authenticator, list[str]]:
    """Add a security key whose answer was checked; return it and the first recovery codes, if they are new."""
    with transaction.atomic():
        _lock(user)
        if Authenticator.objects.filter(user=user, type=KEY).count() >= MOST_KEYS:
            raise Conflict(f"{MOST_KEYS} security keys are the most: remove one first.", code="move-not-possible")
        key = WebAuthn.add(user, name.strip()[:60] or "Security key", credential).instance
        codes = _first_codes(user)
        _record(user, "user.add_factor", key)
        _tell(user, f"The security key {key} was added", "Signing in as you may be confirmed with it from now on.")
    return key, codes


def remove_factor(*, user: User, factor_id: int) -> str:
    """Remove one of the person's own factors, with the last one the recovery codes too; return its name."""
    with transaction.atomic():
        _lock(user)
        found = second_factors_of(user).filter(pk=factor_id).first()
        if found is None:
            raise NotFound("You have no such second factor.")
        name = str(name_of(found))
        _record(user, "user.remove_factor", found)
        found.delete()
        if not second_factors_of(user).exists():
            Authenticator.objects.filter(user=user).delete()
        _tell(user, f"A second factor was removed: {name}", "Signing in as you no longer takes it.")
    return name


def new_recovery_codes(*, user: User) -> list[str]:
    """Replace the recovery codes and return the new ones, which are seen only now."""
    with transaction.atomic():
        _lock(user)
        if not second_factors_of(user).exists():
            raise Conflict("Recovery codes stand in for a second factor: add one first.", code="move-not-possible")
        Authenticator.objects.filter(user=user, type=CODES).delete()
        codes = _first_codes(user)
        record_audit(actor=user, verb="user.new_recovery_codes", target=user, team=None, after={"count": len(codes)})
        _tell(user, "Your recovery codes are new", "Those you had before are useless.")
    return codes


def codes_left(user: User) -> int:
    """Return how many recovery codes are unused."""
    row = Authenticator.objects.filter(user=user, type=CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def reset_factors(*, user: User, actor: User, reason: str) -> User:
    """Take all factors from a person who lost them, and end their sessions; only a platform admin may."""
    if not actor.is_platform_admin:
        raise NotAllowed("Only a platform admin may do this.")
    if not (reason := reason.strip()):
        detail = "Say why, such as: lost the phone, known by voice."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/reason"}])
    with transaction.atomic():
        _lock(user)
        names = [name_of(row) for row in second_factors_of(user)]
        if not names:
            raise Conflict(f"{user} has no second factor.", code="move-not-possible")
        Authenticator.objects.filter(user=user).delete()
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
        user.refresh_from_db()
        record_audit(
            actor=actor, verb="user.reset_factors", target=user, team=None, before={"factors": names}, reason=reason
        )
        _tell(user, "Your second factors were reset", f"{actor} did it, for this reason: {reason}")
    return user


def end_other_sessions(*, user: User) -> User:
    """End all of a person's sessions; the caller renews the one that asks."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
        record_audit(actor=user, verb="user.sign_out_elsewhere", target=user, team=None)
    user.refresh_from_db()
    return user


def tell_of_recovery(*, user: User) -> None:
    """Tell a person that a recovery code signed in as them."""
    left = codes_left(user)
    _tell(user, "A recovery code was used to sign in", f"{left} of your recovery codes are left.")


def name_of(factor: Authenticator) -> str:
    """Return how people call a factor."""
    return "Authenticator app" if factor.type == APP else f"Security key {factor}"


def _first_codes(user: User) -> list[str]:
    if Authenticator.objects.filter(user=user, type=CODES).exists():
        return []
    return RecoveryCodes.activate(user).generate_codes()


def _lock(user: User) -> None:
    User.objects.select_for_update().get(pk=user.pk)


def _record(user: User, verb: str, factor: Authenticator) -> None:
    value = {"factor": name_of(factor)}
    is_new = verb == "user.add_factor"
    record_audit(
        actor=user, verb=verb, target=user, team=None, before={} if is_new else value, after=value if is_new else {}
    )


def _tell(user: User, title: str, text: str) -> None:
    warning = "If this was not you, end your other sessions there and tell a platform admin."
    notify(people=[user], title=title, text=f"{text} {warning}", url=PAGE, icon="shield-check", is_urgent=True)
