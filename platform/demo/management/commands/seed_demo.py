"""Seeds the demo: people, a REST API, a prompt API, the demo model, an application with a key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo.seed import seed_demo


class Command(BaseCommand):
    """Runs at each start; does its work once and then follows the demo's ports."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed; refuse outside a demo."""
        if settings.GATEHOUSE_MODE == "production" or not settings.GATEHOUSE_DEMO:
            raise CommandError("Demo accounts are for trying out: set GATEHOUSE_DEMO=1 and not production.")
        self.stdout.write("The demo is seeded." if seed_demo() else "The demo was there already.")
