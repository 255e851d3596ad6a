"""Mergeable latency histograms: eight buckets to the octave from 0.25 ms on, so a percentile is right within 4.5 %.

A histogram is the list of its bucket counts up to the last that is not empty. Two are merged by adding; percentiles
are read from the sum and never averaged. The SQL functions of 0003_histogram.sql do the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import zip_longest

LEAST_MS = 0.25
PER_OCTAVE = 8
BUCKETS = 170


def bucket_of(ms: float) -> int:
    """Return the bucket of a duration, from 0."""
    if ms < LEAST_MS:
        return 0
    return min(BUCKETS - 1, 1 + math.floor(PER_OCTAVE * math.log(ms / LEAST_MS) / math.log(2)))


def histogram_of(durations: Iterable[float]) -> list[int]:
    """Return the histogram of durations in milliseconds."""
    counts: list[int] = []
    for ms in durations:
        bucket = bucket_of(ms)
        counts.extend([0] * (bucket + 1 - len(counts)))
        counts[bucket] += 1
    return counts


def merge(*histograms: Sequence[int]) -> list[int]:
    """Return the histogram of all durations of several."""
    return [sum(counts) for counts in zip_longest(*histograms, fillvalue=0)]


def percentile(histogram: Sequence[int], share: float) -> float | None:
    """Return the duration that `share` (0.95) of the calls do not exceed, in milliseconds; None without calls."""
    total = sum(histogram)
    rank = max(1, math.ceil(share * total))
    passed = 0
    for bucket, count in enumerate(histogram):
        passed += count
        if passed >= rank and count:
            return _middle(bucket)
    return None


def _middle(bucket: int) -> float:
    """Return the geometric middle of a bucket; the first ends at its bound, the last only has a lower one."""
    if bucket == 0:
        return LEAST_MS
    lower = LEAST_MS * 2 ** ((bucket - 1) / PER_OCTAVE)
    return lower if bucket == BUCKETS - 1 else lower * 2 ** (0.5 / PER_OCTAVE)
