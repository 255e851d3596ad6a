"""Server time of the catalog's search pages, small and large: what a page costs without network and browser.

Django answers in this process, through all of its middleware, from a PostgreSQL of its own; the person is a member of
one team among hundreds, so that visibility is asked for in every query. Beside the time that passed stands the CPU that
this process and its database connection took: that is the same on a machine that does other things too.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import tests_stores
from bench.figures import percentile
from bench.gatehouse import Database

SEARCHES = {
    "all": "/catalog",
    "one word, a ninth of them": "/catalog?q=orders",
    "one word, all of them": "/catalog?q=scale",
    "two words": "/catalog?q=invoices+items",
    "the beginning of a word": "/catalog?q=ship",
    "a word misspelled": "/catalog?q=paymnets",
    "a word with two facets": "/catalog?q=stock&kind=rest&tag=stock",
    "most used first": "/catalog?sort=used",
    "the search of the header": "/search?q=returns",
}
SMALL, LARGE = 100, 10_000
KEYS_PER_API = 10
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of one request: what passed, and what it cost of CPU here and in the database."""

    passed: float
    cpu: float


Figures = dict[str, list[Taken]]


def run(rounds: int) -> str:
    """Measure both sizes on the same stores; return the table as Markdown."""
    stores = tests_stores.start_stores()
    try:
        os.environ["DATABASE_URL"] = Database("bench_catalog").url
        _set_up()
        found = {size: _measure_at(size, rounds) for size in (SMALL, LARGE)}
    finally:
        stores.stop()
    return write(found)


def write(found: dict[int, Figures]) -> str:
    """Return a row for each page: median and 95th percentile at both sizes, CPU, and by how much that grew."""
    small, large = found[SMALL], found[LARGE]
    lines = [
        f"| page, ms | {SMALL} APIs p50 / p95 | {LARGE:,} APIs p50 / p95 | CPU p50, {SMALL} / {LARGE:,} | CPU grows |",
        "|---|---|---|---|---|",
    ]
    for name in SEARCHES:
        few, many = _cpu(small[name]), _cpu(large[name])
        lines.append(
            f"| {name} | {_pair(small[name])} | {_pair(large[name])} | {few:.0f} / {many:.0f} | {many / few:.1f} x |"
        )
    slowest = max(median(one.passed for one in values) for values in large.values())
    dearest = max(_cpu(values) for values in large.values())
    end = f"Greatest median at {LARGE:,} APIs: {slowest:.0f} ms passed, {dearest:.0f} ms of CPU."
    return "\n".join([*lines, "", end, ""])


def _pair(values: list[Taken]) -> str:
    passed = [one.passed for one in values]
    return f"{median(passed):.0f} / {percentile(passed, 0.95):.0f}"


def _cpu(values: list[Taken]) -> float:
    return median(one.cpu for one in values)


def _set_up() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    # Hashed names need collected files; looking them up is no work worth measuring.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.ALLOWED_HOSTS = ["*"]


def _measure_at(size: int, rounds: int) -> Figures:
    from django.test import Client

    with _organisation(size) as person:
        client = Client()
        client.force_login(person)
        for url in list(SEARCHES.values()) * WARM_UP:
            _timed(client, url)
        figures: Figures = {name: [] for name in SEARCHES}
        # Interleaved: what else the machine does falls on all pages alike.
        for _ in range(rounds):
            for name, url in SEARCHES.items():
                figures[name].append(_timed(client, url))
        return figures


def _timed(client: Any, url: str) -> Taken:
    database = _database_seconds()
    started, used = time.perf_counter(), time.process_time()
    answer = client.get(url)
    passed, cpu = time.perf_counter() - started, time.process_time() - used + _database_seconds() - database
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    return Taken(passed * 1000, cpu * 1000)


def _database_seconds() -> float:
    """Return the CPU seconds that the server's process of this connection has had (Linux: proc(5), schedstat)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def _organisation(size: int) -> Iterator[Any]:
    from django.db import connection

    from demo.scale import remove_scale, seed_scale
    from teams.models import Membership, Team, User

    person, _ = User.objects.get_or_create(email="bench@example.com", defaults={"name": "Bench"})
    # The table is what this prints.
    with redirect_stdout(io.StringIO()):
        seed_scale(apis=size, keys=size * KEYS_PER_API, operations=10, upstream_url="http://127.0.0.1:9", tell=str)
    Membership.objects.create(user=person, team=Team.objects.get(slug="scale-1"), role="developer")
    with connection.cursor() as cursor:
        # What autovacuum has done of itself on an installation that grew to this size.
        cursor.execute("VACUUM ANALYZE")
        # One process, so that all of its CPU is seen.
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    yield person
    with redirect_stdout(io.StringIO()):
        remove_scale()
