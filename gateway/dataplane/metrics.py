"""What a worker counts: plain numbers, one addition per call and figure, told to the node each second.

A series is named as Prometheus writes it (text format 0.0.4), so that the node only has to add and print. Labels are
bounded: beyond `SERIES` versions further ones count as `other`.
"""

from __future__ import annotations

import os
import resource
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.dataplane.context import Call
    from gateway.dataplane.runtime import Runtime

VERSIONS = 2000
BOUNDS_MS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 60_000.0)
# name → type and help, in the order in which they are printed.
FAMILIES = {
    "gatehouse_canary_fallback": ("gauge", "1 where a revision on trial failed too often and gets no more calls."),
    "gatehouse_calls_total": ("counter", "Calls by version, class of status and fault."),
    "gatehouse_refusals_total": ("counter", "Calls that ended with a problem, by its code."),
    "gatehouse_call_duration_ms": ("histogram", "Whole time of a call, by kind of API."),
    "gatehouse_overhead_ms_total": ("counter", "Time that calls spent in the gateway until their head left."),
    "gatehouse_upstream_ms_total": ("counter", "Time from the request to an upstream until the end of its answer."),
    "gatehouse_auth_ms_total": ("counter", "Time to find the route, the caller and what it may do."),
    "gatehouse_limit_ms_total": ("counter", "Time to take what a plan's limits allow, waiting in a queue included."),
    "gatehouse_retries_total": ("counter", "Attempts that were made again."),
    "gatehouse_bytes_total": ("counter", "Bytes of bodies, by direction."),
    "gatehouse_tokens_total": ("counter", "Tokens of models, by direction."),
    "gatehouse_cost_nano_usd_total": ("counter", "Cost of AI calls in nano-USD."),
    "gatehouse_limit_questions_total": ("counter", "Limits decided, by the store's answer or from a lease."),
    "gatehouse_unrecorded_total": ("counter", "Records that could not be written."),
    "gatehouse_in_flight": ("gauge", "Calls under way."),
    "gatehouse_queue_depth": ("gauge", "Calls that wait for a concurrency slot."),
    "gatehouse_limit_store_up": ("gauge", "Workers whose store of limits answers."),
    "gatehouse_loop_lag_ms": ("gauge", "Longest time within a second that a worker did nothing else, by worker."),
    "gatehouse_worker_memory_bytes": ("gauge", "Resident memory, by worker."),
    "gatehouse_worker_open_files": ("gauge", "Open file descriptors, by worker."),
    "gatehouse_worker_cpu_seconds_total": ("counter", "CPU time, by worker."),
    "gatehouse_spool_bytes": ("gauge", "What waits to be shipped to the ledger."),
    "gatehouse_spool_age_seconds": ("gauge", "Age of the oldest record that waits to be shipped."),
    "gatehouse_state_age_seconds": ("gauge", "Since when the database has not confirmed the published state."),
    "gatehouse_state_generation": ("gauge", "The generation of the published state."),
    "gatehouse_clock_skew_seconds": ("gauge", "This node's clock against the database's."),
    "gatehouse_workers": ("gauge", "Workers that run."),
}
CLASSES = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}
NANOS_PER_MS = 1_000_000


class Metrics:
    """The counters of one worker."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.retries = 0
        # Set by the worker; answers the longest lag of its loop since it was asked last, in seconds.
        self.loop_lag: Callable[[], float] = float
        self._calls: dict[tuple[str, int, str], int] = {}
        self._versions: set[str] = set()
        self._codes: dict[str, int] = {}
        self._durations: dict[str, list[int]] = {}
        self._duration_sums: dict[str, float] = {}
        self._overhead_ns = self._upstream_ms = self._auth_ns = self._limit_ns = 0.0
        self._bytes_in = self._bytes_out = self._tokens_in = self._tokens_out = self._cost_nano = 0

    def note(self, call: Call) -> None:
        """Count a call that has ended."""
        finished = call.finished
        if finished is None:
            return
        version = finished.version_id
        if version not in self._versions:
            if len(self._versions) >= VERSIONS:
                version = "other"
            self._versions.add(version)
        place = (version, finished.status // 100, finished.fault)
        self._calls[place] = self._calls.get(place, 0) + 1
        if finished.code:
            self._codes[finished.code] = self._codes.get(finished.code, 0) + 1
        buckets = self._durations.get(finished.kind)
        if buckets is None:
            buckets = self._durations[finished.kind] = [0] * (len(BOUNDS_MS) + 1)
            self._duration_sums[finished.kind] = 0.0
        buckets[bisect_left(BOUNDS_MS, finished.total_ms)] += 1
        self._duration_sums[finished.kind] += finished.total_ms
        self._overhead_ns += finished.overhead_ms * NANOS_PER_MS
        self._upstream_ms += finished.upstream_ms
        self._auth_ns += call.auth_ns
        self._limit_ns += call.limit_ns
        self._bytes_in += finished.request_bytes
        self._bytes_out += finished.response_bytes
        self._tokens_in += finished.input_tokens
        self._tokens_out += finished.output_tokens
        self._cost_nano += finished.cost_nano

    def series(self, runtime: Runtime) -> dict[str, float]:
        """Return every series with its value now."""
        found: dict[str, float] = {}
        for (version, status, fault), count in self._calls.items():
            labels = f'version="{version}",status="{CLASSES.get(status, "none")}",fault="{fault}"'
            found[f"gatehouse_calls_total{{{labels}}}"] = count
        for code, count in self._codes.items():
            found[f'gatehouse_refusals_total{{code="{code}"}}'] = count
        for kind, buckets in self._durations.items():
            found |= _histogram("gatehouse_call_duration_ms", f'kind="{kind}"', buckets, self._duration_sums[kind])
        for beside in runtime.live.current().router.alternates.values():
            canary = beside["canary"].canary if "canary" in beside else None
            if canary is not None and canary.has_fallen_back:
                labels = f'version="{canary.record.version_id}",revision="{canary.record.revision}"'
                found[f"gatehouse_canary_fallback{{{labels}}}"] = 1
        statistics, spool = runtime.allowance.statistics, runtime.spool
        worker = runtime.settings.worker
        usage = resource.getrusage(resource.RUSAGE_SELF)
        found |= {
            "gatehouse_overhead_ms_total": self._overhead_ns / NANOS_PER_MS,
            "gatehouse_upstream_ms_total": self._upstream_ms,
            "gatehouse_auth_ms_total": self._auth_ns / NANOS_PER_MS,
            "gatehouse_limit_ms_total": self._limit_ns / NANOS_PER_MS,
            "gatehouse_retries_total": self.retries,
            'gatehouse_bytes_total{direction="in"}': self._bytes_in,
            'gatehouse_bytes_total{direction="out"}': self._bytes_out,
            'gatehouse_tokens_total{direction="in"}': self._tokens_in,
            'gatehouse_tokens_total{direction="out"}': self._tokens_out,
            "gatehouse_cost_nano_usd_total": self._cost_nano,
            'gatehouse_limit_questions_total{by="store"}': statistics.asked,
            'gatehouse_limit_questions_total{by="lease"}': statistics.leased,
            "gatehouse_unrecorded_total": spool.unrecorded,
            "gatehouse_in_flight": self.in_flight,
            "gatehouse_queue_depth": runtime.allowance.slots.queue_depth,
            "gatehouse_limit_store_up": int(runtime.allowance.is_store_up),
            f'gatehouse_loop_lag_ms{{worker="{worker}"}}': self.loop_lag() * 1000,
            f'gatehouse_worker_memory_bytes{{worker="{worker}"}}': resident_bytes(),
            f'gatehouse_worker_open_files{{worker="{worker}"}}': open_files(),
            f'gatehouse_worker_cpu_seconds_total{{worker="{worker}"}}': usage.ru_utime + usage.ru_stime,
        }
        return found


def _histogram(name: str, labels: str, buckets: list[int], total: float) -> dict[str, float]:
    found: dict[str, float] = {}
    below = 0
    for bound, count in zip((*(f"{bound:g}" for bound in BOUNDS_MS), "+Inf"), buckets, strict=True):
        below += count
        found[f'{name}_bucket{{{labels},le="{bound}"}}'] = below
    found[f"{name}_sum{{{labels}}}"] = total
    found[f"{name}_count{{{labels}}}"] = below
    return found


def resident_bytes() -> int:
    """Return this process's resident memory, 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def open_files() -> int:
    """Return how many descriptors this process holds, 0 where the system does not say."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


def family_of(series: str) -> str:
    """Return the family that a series belongs to."""
    name = series.partition("{")[0]
    for ending in ("_bucket", "_sum", "_count"):
        if name.endswith(ending) and name.removesuffix(ending) in FAMILIES:
            return name.removesuffix(ending)
    return name


def exposition(series: dict[str, float]) -> bytes:
    """Return series in Prometheus' text format, each family under its type and help."""
    grouped: dict[str, list[str]] = {}
    for name, value in series.items():
        grouped.setdefault(family_of(name), []).append(f"{name} {value:.15g}")
    lines = []
    for family, (kind, text) in FAMILIES.items():
        if family in grouped:
            lines += [f"# HELP {family} {text}", f"# TYPE {family} {kind}", *grouped[family]]
    return ("\n".join(lines) + "\n").encode()
