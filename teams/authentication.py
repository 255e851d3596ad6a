"""Personal access tokens: `Authorization: Bearer gh_pat_…` on the REST API."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from common.clock import now
from common.sealed import hash_secret
from gateway.dataplane.keys import TOKEN_PREFIX, is_well_formed
from teams.models import AccessToken, User

# `last_used_at` is written at most once in this time, so that reads do not become writes.
TOUCH_AFTER = timedelta(minutes=5)


class AccessTokenAuthentication(BaseAuthentication):
    """Signs a request in by a personal access token."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[User, AccessToken] | None:
        """Return the user and token; None when no token was sent; raise 401 for one that is not good."""
        header = request.headers.get("Authorization", "")
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = self._find(text.strip())
        if token is None or not token.user.is_active:
            raise AuthenticationFailed(
                "The access token is unknown, expired or revoked. Make a new one at /account/tokens."
            )
        if token.last_used_at is None or token.last_used_at < now() - TOUCH_AFTER:
            AccessToken.objects.filter(pk=token.pk).update(last_used_at=now())
        return token.user, token

    def authenticate_header(self, request: Request | HttpRequest) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="gatehouse"'

    @staticmethod
    def _find(text: str) -> AccessToken | None:
        if not is_well_formed(text, TOKEN_PREFIX):
            return None
        return (
            AccessToken.objects.select_related("user")
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now()), token_hash=hash_secret(text), revoked_at=None)
            .first()
        )
