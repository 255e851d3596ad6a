"""Writes a large made-up organisation, for measuring and for trying pages at size; takes it away again."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.scale import TEAMS, remove_scale, seed_scale
from teams.models import Team


class Command(BaseCommand):
    """10 000 APIs with 100 000 operations and 100 000 keys take about a minute and a half. Not in production."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the sizes."""
        parser.add_argument("--apis", type=int, default=100)
        parser.add_argument("--keys", type=int, default=1000)
        parser.add_argument("--operations-per-api", type=int, default=10)
        parser.add_argument("--upstream", default="http://127.0.0.1:9", help="where all of them send their calls")
        parser.add_argument("--remove", action="store_true", help="take away what a former call wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, or take away."""
        if settings.GATEHOUSE_MODE == "production":
            raise CommandError("This writes made-up teams and APIs: it does not run in production.")
        if options["remove"]:
            self.stdout.write(f"{remove_scale()} APIs taken away")
            return
        for name in ("apis", "keys", "operations_per_api"):
            if not 1 <= options[name] <= 1_000_000:
                raise CommandError(f"--{name.replace('_', '-')} must be from 1 to 1000000, not {options[name]}.")
        if Team.objects.filter(slug="scale-0").exists():
            raise CommandError("It is there already. Take it away first: --remove.")
        started = time.monotonic()
        key = seed_scale(
            apis=options["apis"], keys=options["keys"], operations=options["operations_per_api"],
            upstream_url=options["upstream"], tell=self.stdout.write,
        )  # fmt: skip
        self.stdout.write(f"written in {time.monotonic() - started:.0f} s, over {TEAMS} teams at most")
        self.stdout.write(f"POST /scale-0/orders-0/v1/items answers the key {key}")
