from datetime import timedelta
from uuid import uuid4

import pytest

from common.clock import now
from gateway.control.changelog import current_generation, record_change
from gateway.control.models import Worker
from gateway.control.selectors import applied_on, gateway_status
from gateway.dataplane.records import AliasRecord

pytestmark = pytest.mark.django_db(transaction=True)


def report(name: str, generation: int, *, seconds_ago: float = 0, rejected: list | None = None) -> None:
    Worker.objects.create(
        node="n1", worker=name, pid=1, epoch=uuid4(), generation=generation, is_stale=False, rejected=rejected or [],
        spool_bytes=0, started_at=now(), reported_at=now() - timedelta(seconds=seconds_ago),
    )  # fmt: skip


def test_without_a_gateway_the_sentence_says_how_to_start_one():
    assert gateway_status().sentence.startswith("No gateway has reported.")


def test_two_workers_in_step():
    record_change("alias", "a", AliasRecord(model="demo/one"))
    generation = current_generation()
    report("w1", generation)
    report("w2", generation)
    status = gateway_status()
    assert status.is_in_step
    assert status.sentence == f"Both workers run generation {generation}."
    assert applied_on(generation) == (2, 2)


def test_a_worker_behind_and_a_silent_one_are_told_apart():
    record_change("alias", "a", AliasRecord(model="demo/one"))
    generation = current_generation()
    report("w1", generation - 1)
    report("w2", generation, seconds_ago=60)
    status = gateway_status()
    assert [worker.state for worker in status.workers] == ["Catching up", "Silent"]
    assert applied_on(generation) == (0, 1)


def test_a_rejected_change_is_listed_once_for_both_workers():
    rejection = {"kind": "route", "key": "ver_1", "reason": "broken"}
    report("w1", current_generation(), rejected=[rejection])
    report("w2", current_generation(), rejected=[rejection])
    assert gateway_status().rejected == [rejection]
