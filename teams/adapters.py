"""How allauth behaves here: people come by invitation, so sign-up is closed."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Refuses open sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no: an invitation is the only way in."""
        return False
