import base64
import threading

import pytest
from django.db import connection, transaction

from gateway.control.changelog import current_generation, latest_generation_of, record_change
from gateway.control.models import Change
from gateway.dataplane.keys import Sealer
from gateway.dataplane.records import AliasRecord, ProviderKeyRecord

pytestmark = pytest.mark.django_db(transaction=True)


def alias(name: str = "one") -> AliasRecord:
    return AliasRecord(model=f"demo/{name}")


def test_a_change_has_its_generation_once_it_is_committed():
    before = current_generation()
    with transaction.atomic():
        record_change("alias", "a", alias())
        assert Change.objects.get(key="a").generation is None
    assert Change.objects.get(key="a").generation == before + 1 == current_generation()


def test_all_rows_of_a_transaction_share_one_generation():
    with transaction.atomic():
        record_change("alias", "a", alias())
        record_change("alias", "b", alias("two"))
    assert Change.objects.values_list("generation", flat=True).distinct().count() == 1


def test_what_rolls_back_takes_no_generation():
    before = current_generation()
    with transaction.atomic():
        record_change("alias", "a", alias())
        transaction.set_rollback(True)
    assert current_generation() == before
    assert not Change.objects.exists()


def test_a_rolled_back_savepoint_leaves_the_rest_with_its_generation():
    with transaction.atomic():
        record_change("alias", "a", alias())
        with transaction.atomic():
            record_change("alias", "b", alias("two"))
            transaction.set_rollback(True)
    assert [row.key for row in Change.objects.filter(generation__isnull=False)] == ["a"]


def test_the_same_record_again_is_no_change():
    record_change("alias", "a", alias())
    generation = current_generation()
    record_change("alias", "a", alias())
    assert current_generation() == generation
    assert latest_generation_of("alias", "a") == generation


def test_a_deletion_is_written_once_and_only_for_what_was_there():
    record_change("alias", "never", None)
    record_change("alias", "a", alias())
    record_change("alias", "a", None)
    record_change("alias", "a", None)
    assert list(Change.objects.values_list("key", "payload")) == [("a", {"v": 1, "model": "demo/one"}), ("a", None)]


def test_secrets_are_sealed_and_bound_to_their_key(settings):
    record_change("provider_key", "pk_1", ProviderKeyRecord(provider="demo", secret="sk-very-secret"))
    payload = Change.objects.get().payload
    assert "sk-very-secret" not in str(payload)
    box = base64.b64decode(payload["sealed"])
    assert b"sk-very-secret" in Sealer(settings.MASTER_KEY).open(box, context="provider_key:pk_1")


def test_eight_writers_leave_no_gap_and_a_reader_misses_none():
    writers, rounds = 8, 25
    start, seen, last = current_generation(), [], [current_generation()]
    done = threading.Event()

    def write(number: int) -> None:
        for step in range(rounds):
            with transaction.atomic():
                record_change("alias", f"w{number}-{step}", alias(str(step)))
        connection.close()

    def read() -> None:
        while True:
            finished = done.is_set()
            rows = Change.objects.filter(generation__gt=last[0]).order_by("generation").values_list("generation", "key")
            for generation, key in rows:
                seen.append(key)
                last[0] = generation
            if finished:
                break
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    reader = threading.Thread(target=read)
    for thread in [reader, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert len(seen) == len(set(seen)) == writers * rounds
    assert last[0] == start + writers * rounds


def test_a_long_import_does_not_hold_up_a_revocation():
    import_has_written, revoked = threading.Event(), threading.Event()
    order = []

    def import_much() -> None:
        with transaction.atomic():
            for number in range(200):
                record_change("alias", f"import-{number}", alias(str(number)))
            import_has_written.set()
            assert revoked.wait(timeout=20)
        order.append(latest_generation_of("alias", "import-0"))
        connection.close()

    thread = threading.Thread(target=import_much)
    thread.start()
    assert import_has_written.wait(timeout=20)
    record_change("alias", "revoked", alias())
    order.append(latest_generation_of("alias", "revoked"))
    revoked.set()
    thread.join()
    assert order == sorted(order)
    assert len(set(order)) == 2


def test_a_failing_changelog_rolls_the_domain_change_back(team, developer, monkeypatch):
    from gateway.control import receivers
    from teams.models import Credential
    from teams.services.applications import create_application
    from teams.services.credentials import issue_credential

    application = create_application(team=team, name="Checkout", actor=developer)

    def broken(credential):
        raise RuntimeError("no changelog")

    monkeypatch.setattr(receivers.compiler, "compile_credential", broken)
    with pytest.raises(RuntimeError):
        issue_credential(application=application, name="web", actor=developer)
    assert not Credential.objects.exists()
