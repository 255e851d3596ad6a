"""The try-it credential: a signed quarter of an hour for one person and one subscription, checked by the gateway."""

from __future__ import annotations

import secrets
import time
from functools import lru_cache

import jwt
from django.conf import settings

from apis.models import Subscription
from common.errors import Conflict
from gateway.dataplane.keys import TRY_IT_PREFIX, derive_key
from teams.models import User
from teams.roles import require_permission

LIFETIME_SECONDS = 15 * 60


def mint_try_it_token(*, user: User, subscription: Subscription) -> str:
    """Return `gh_try_…` for an active subscription of an application of the person's team; it is stored nowhere."""
    team = subscription.application.team
    require_permission(actor=user, team=team, permission="keys.manage", what="try calls with its applications")
    if subscription.state not in {"active", "change_pending"}:
        raise Conflict(
            f"The subscription is {subscription.get_state_display().lower()}: only an active one can be tried.",
            code="move-not-possible",
        )
    issued = int(time.time())
    claims = {
        "sub": user.public_id,
        "sid": subscription.public_id,
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
        "jti": secrets.token_urlsafe(12),
    }
    return TRY_IT_PREFIX + jwt.encode(claims, _signing_key(), algorithm="HS256")


@lru_cache(maxsize=1)
def _signing_key() -> bytes:
    return derive_key(settings.MASTER_KEY, "try-it")
