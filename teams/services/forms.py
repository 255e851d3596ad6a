"""Makes a double submit harmless: the second click gets the first one's result."""

from __future__ import annotations

from collections.abc import Callable

from django.db import IntegrityError, transaction

from common.errors import Conflict, Invalid
from teams.models import FormToken, User


def once(*, user: User, token: str, work: Callable[[], str]) -> tuple[str, bool]:
    """Run `work` in one transaction, once per (user, token); return its URL and whether this was a repeat.

    The token's row is written first: a second submit waits on the unique constraint until the first has committed.
    """
    if not 16 <= len(token) <= 64:
        raise Invalid("The form came without its token. Reload the page and send it again.")
    try:
        with transaction.atomic():
            with transaction.atomic():
                row = FormToken.objects.create(user=user, token=token)
            url = work()
            FormToken.objects.filter(pk=row.pk).update(result_url=url)
            return url, False
    except IntegrityError:
        first = FormToken.objects.filter(user=user, token=token).first()
        if first is None:
            raise
    if not first.result_url:
        raise Conflict("This form was already sent and is still being carried out. Reload the page to see its result.")
    return first.result_url, True
