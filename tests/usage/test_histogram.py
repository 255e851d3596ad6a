import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usage.histogram import BUCKETS, bucket_of, histogram_of, merge, percentile

durations = st.lists(st.floats(min_value=0, max_value=500_000), max_size=60)


@given(durations, durations, durations)
def test_merging_histograms_is_the_histogram_of_all_calls(one, two, three):
    together = histogram_of([*one, *two, *three])
    assert merge(histogram_of(one), histogram_of(two), histogram_of(three)) == together
    assert merge(merge(histogram_of(three), histogram_of(one)), histogram_of(two)) == together


@given(st.lists(st.floats(min_value=0.25, max_value=500_000), min_size=1, max_size=80), st.floats(0.01, 1))
def test_a_percentile_is_within_five_percent_of_the_true_one(values, share):
    true = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    assert percentile(histogram_of(values), share) == pytest.approx(true, rel=0.05)


def test_a_percentile_of_nothing_is_no_number():
    assert percentile([], 0.95) is None


def test_extremes_stay_in_the_outer_buckets():
    assert bucket_of(0) == 0
    assert bucket_of(10**9) == BUCKETS - 1


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(durations, durations)
def test_the_database_counts_and_merges_the_same_way(rows, one, two):
    sql = "SELECT usage_histogram(COALESCE(array_agg(usage_latency_bucket(ms)), '{}')) FROM unnest(%s::float8[]) AS ms"
    assert rows(sql, one) == [(histogram_of(one),)]
    add = "SELECT usage_histogram_sum(each) FROM (VALUES (%s::bigint[]), (%s::bigint[])) AS given (each)"
    assert rows(add, histogram_of(one), histogram_of(two)) == [(merge(histogram_of(one), histogram_of(two)),)]
