"""Begins another history of the changelog, so that every gateway loads everything anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from gateway.control.compaction import new_epoch


class Command(BaseCommand):
    """Run it after a restore, or a failover that may have lost commits; gateways go on serving meanwhile."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        self.stdout.write(f"epoch {new_epoch()}: every gateway loads everything anew")
