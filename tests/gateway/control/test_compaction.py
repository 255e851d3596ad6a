from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from common.clock import now
from gateway.control.changelog import current_generation, record_change, record_changes
from gateway.control.compaction import compact_changelog, new_epoch
from gateway.control.models import Change, Counter
from gateway.control.tasks import compact_changelog as task
from gateway.dataplane.records import AliasRecord

pytestmark = pytest.mark.django_db(transaction=True)


def write(key: str, model: str | None) -> None:
    with transaction.atomic():
        record_change("alias", key, None if model is None else AliasRecord(model))


def age(**ago: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gateway_change SET at = %s", [now() - timedelta(**ago)])


def rows() -> list[tuple[str, str | None]]:
    return [(row.key, row.payload and row.payload["model"]) for row in Change.objects.order_by("generation")]


def test_the_newest_row_of_each_key_stays_and_young_ones_are_left_alone():
    for model in ("a/1", "a/2", "a/3"):
        write("fast", model)
    write("slow", "b/1")
    assert compact_changelog() == 0
    age(minutes=11)
    assert task() == 2
    assert rows() == [("fast", "a/3"), ("slow", "b/1")]
    assert Counter.objects.get().horizon == 0


def test_a_deletion_stays_for_a_month_and_moves_the_horizon_when_it_goes():
    write("gone", "a/1")
    write("gone", None)
    deleted_at = current_generation()
    write("kept", "b/1")
    age(days=1)
    compact_changelog()
    assert rows() == [("gone", None), ("kept", "b/1")]
    age(days=31)
    assert compact_changelog() == 1
    assert rows() == [("kept", "b/1")]
    assert Counter.objects.get().horizon == deleted_at


def test_another_epoch_keeps_the_changes():
    write("fast", "a/1")
    before = Counter.objects.get()
    epoch = new_epoch()
    after = Counter.objects.get()
    assert str(after.epoch) == epoch != str(before.epoch)
    assert after.generation == before.generation


def test_many_changes_are_one_generation():
    with transaction.atomic():
        record_changes(("alias", f"a{number}", AliasRecord("m/x")) for number in range(5000))
    assert Change.objects.values("generation").distinct().count() == 1
    assert Change.objects.count() == 5000
