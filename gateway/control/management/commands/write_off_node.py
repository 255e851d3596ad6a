"""Forgets a gateway node that will not come back, so that budgets need not wait for what it may have spent."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.control.budgets import write_off


class Command(BaseCommand):
    """Run it for a node whose disk is lost: calls in its unshipped spool are in no ledger and no budget then."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the node's name."""
        parser.add_argument("node", help="the node's name, as Admin, Gateways shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete its rows."""
        if not write_off(options["node"]):
            raise CommandError(f"No node of the name {options['node']} has reported.")
        self.stdout.write(f"{options['node']} is written off")
