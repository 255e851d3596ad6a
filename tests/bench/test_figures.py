from __future__ import annotations

import math

from bench.figures import percentile, ratio, slope_per_hour


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


def test_a_ratio_is_taken_round_by_round():
    # The machine doubled its speed in the second round: the ratio did not change.
    found = ratio([50.0, 100.0, 60.0], [100.0, 200.0, 100.0])
    assert str(found) == "0.50 (0.50-0.60)"
    assert ratio([1.0], []) is None


def test_a_slope_is_told_per_hour():
    assert round(slope_per_hour([(0.0, 80.0), (60.0, 81.0), (120.0, 82.0)])) == 60
    assert slope_per_hour([(0.0, 80.0)]) == 0.0
