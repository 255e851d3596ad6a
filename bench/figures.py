"""Medians, percentiles and same-round ratios. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the per-round ratios, with the least and the greatest: a span that says how far to trust it."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f}-{self.most:.2f})"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of the values do not exceed; nan for none."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio | None:
    """Return the ratio of two series measured in the same rounds, None where no round has both."""
    shares = [a / b for a, b in zip(ours, theirs, strict=False) if b > 0]
    return Ratio(median(shares), min(shares), max(shares)) if shares else None


def slope_per_hour(samples: Sequence[tuple[float, float]]) -> float:
    """Return by how much a value grows in an hour: least squares over (seconds, value)."""
    count = len(samples)
    if count < 2:
        return 0.0
    mean_at = sum(at for at, _ in samples) / count
    mean = sum(value for _, value in samples) / count
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return 3600 * sum((at - mean_at) * (value - mean) for at, value in samples) / spread if spread else 0.0
