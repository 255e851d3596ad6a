"""Who looks at the page."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from teams.models import User


def viewer(request: HttpRequest) -> User:
    """Return the signed-in person; the page's permission has made sure that there is one."""
    return cast(User, request.user)
