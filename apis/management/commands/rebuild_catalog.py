"""Write the catalog's entries anew, from the rows they are made of."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apis.services.catalog import rebuild_entries


class Command(BaseCommand):
    """Needed after rows were written past the services, such as a repair by hand."""

    help = "Write the catalog's entries anew."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild all entries and say how many."""
        self.stdout.write(f"{rebuild_entries()} APIs written into the catalog.")
