"""Two people at once, each on a connection of their own: at the same moment, or one inside the other's transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import connection, transaction

from common.errors import DomainError

Act = Callable[[], object]
DONE = "done"
# A database that locks in a circle says so after a second.
LIMIT_SECONDS = 20


def at_once(*acts: Act) -> list[str]:
    """Start all at the same moment and return how each ended: "done", or the code of its refusal."""
    barrier = threading.Barrier(len(acts), timeout=LIMIT_SECONDS)

    def started(act: Act) -> Act:
        def run() -> None:
            barrier.wait()
            act()

        return run

    return _run([started(act) for act in acts])


def overlap(first: Act, second: Act) -> list[str]:
    """Do `second` from before `first` has committed, and let that commit once `second` waits for it or is through."""
    has_written, is_through, pid = threading.Event(), threading.Event(), [0]

    def hold() -> None:
        try:
            with transaction.atomic():
                first()
                has_written.set()
                until = time.monotonic() + LIMIT_SECONDS
                while not is_through.wait(0.01) and not _waits_for_a_lock(pid[0]):
                    assert time.monotonic() < until, "the second neither waits nor ends"
        finally:
            has_written.set()

    def follow() -> None:
        try:
            connection.ensure_connection()
            assert has_written.wait(LIMIT_SECONDS)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid[0] = cursor.fetchone()[0]
            second()
        finally:
            is_through.set()

    return _run([hold, follow])


def _waits_for_a_lock(pid: int) -> bool:
    with connection.cursor() as cursor:
        # A transaction sees the activity of its first look for as long as it lasts, unless told to forget it.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [pid])
        return cursor.fetchone() is not None


def _run(acts: list[Act]) -> list[str]:
    outcomes = [""] * len(acts)

    def run(place: int, act: Act) -> None:
        try:
            act()
            outcomes[place] = DONE
        except DomainError as error:
            outcomes[place] = error.code
        except Exception as error:
            outcomes[place] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS * 2)
    return outcomes
