"""Writes every record the gateways need anew, and deletes the keys that are no longer there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import F

from apis.models import ApiVersion, Plan, Subscription
from gateway.control import compiler
from gateway.control.changelog import Entry, record_changes
from gateway.control.models import Change
from providers.models import Model, ModelAlias, Provider, ProviderKey
from teams.models import Credential


def all_entries() -> Iterator[Entry]:
    """Yield every record of the installation."""
    for plan in Plan.objects.all():
        yield "plan", plan.public_id, compiler.compile_plan(plan)
    for credential in Credential.objects.select_related("application__team"):
        yield "credential", credential.public_id, compiler.compile_credential(credential)
    for row in Subscription.objects.select_related("application__team", "version", "plan"):
        yield "subscription", row.public_id, compiler.compile_subscription(row)
    for provider in Provider.objects.all():
        yield "provider", provider.slug, compiler.compile_provider(provider)
    for key in ProviderKey.objects.select_related("provider"):
        yield "provider_key", key.public_id, compiler.compile_provider_key(key)
    for model in Model.objects.select_related("provider"):
        yield from compiler.compile_model(model)
    for alias in ModelAlias.objects.select_related("model__provider"):
        yield "alias", alias.name, compiler.compile_alias(alias)
    for version in ApiVersion.objects.select_related("api__team", "successor__api"):
        yield from compiler.compile_version(version)


class Command(BaseCommand):
    """Use it after a restore or a repair by hand; unchanged records cost nothing."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --dry-run."""
        parser.add_argument("--dry-run", action="store_true", help="Say what would be written, write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compile, compare, write in one transaction."""
        with transaction.atomic():
            entries = list(all_entries())
            wanted = {(kind, key) for kind, key, record in entries if record is not None}
            known = Change.objects.order_by("kind", "key", F("generation").desc(nulls_first=True), "-id").distinct(
                "kind", "key"
            )
            gone = [
                (row.kind, row.key, None)
                for row in known
                if row.payload is not None and (row.kind, row.key) not in wanted
            ]
            before = Change.objects.count()
            record_changes([*entries, *gone])
            written = Change.objects.count() - before
            if options["dry_run"]:
                transaction.set_rollback(True)
        self.stdout.write(f"{written} changes {'would be ' if options['dry_run'] else ''}written")
