import pytest

from apis.limits import make_limits, parse_limits
from common.errors import Invalid


def test_the_usual_limits_are_a_minute_and_a_day():
    minute, day = parse_limits(make_limits(per_minute=60, per_day=1000))
    assert (minute.id, minute.limit, minute.window_seconds, minute.unit, minute.by) == (
        "minute",
        60,
        60,
        "requests",
        "subscription",
    )
    assert (day.limit, day.window_seconds) == (1000, 86_400)
    assert parse_limits(make_limits(per_day=5))[0].id == "day"
    assert parse_limits([]) == ()


@pytest.mark.parametrize(
    ("entry", "pointer", "words"),
    [
        ({"id": "a", "limit": 5, "window": "1x"}, "/limits/0/window", "'1x'"),
        ({"id": "a", "limit": 5, "window": "367d"}, "/limits/0/window", "367d"),
        ({"id": "a", "limit": 5}, "/limits/0/window", "None"),
        ({"id": "a", "limit": -1, "window": "60s"}, "/limits/0/limit", "-1"),
        ({"id": "a", "limit": True, "window": "60s"}, "/limits/0/limit", "True"),
        ({"id": "a", "limit": "5", "window": "60s"}, "/limits/0/limit", "'5'"),
        ({"id": "A b", "limit": 5, "window": "60s"}, "/limits/0/id", "'A b'"),
        ({"id": "a", "limit": 5, "window": "60s", "algo": "leaky"}, "/limits/0/algo", "'leaky'"),
        ({"id": "a", "limit": 5, "window": "60s", "by": "me"}, "/limits/0/by", "'me'"),
        ({"id": "a", "limit": 5, "window": "month", "algo": "sliding_window"}, "/limits/0/algo", "sliding_window"),
        ({"id": "a", "limit": 5, "window": "day", "time_zone": "Mars/Base"}, "/limits/0/time_zone", "Mars/Base"),
        ({"id": "a", "limit": 5, "window": "60s", "time_zone": "Asia/Tokyo"}, "/limits/0/time_zone", "time zone"),
        ({"id": "a", "limit": 5, "unit": "concurrent", "window": "60s"}, "/limits/0/window", "no window"),
        ({"id": "a", "limit": 5, "unit": "concurrent", "queue_size": -1}, "/limits/0/queue_size", "-1"),
        ({"id": "a", "limit": 5, "window": "60s", "priority": 1}, "/limits/0/priority", "concurrent"),
        ({"id": "a", "limit": 5, "window": "60s", "hard": False}, "/limits/0/hard", "False"),
        ({"id": "a", "limit": 5, "window": "60s", "unit": "bananas"}, "/limits/0/unit", "bananas"),
        ({"id": "a", "limit": 5, "window": "60s", "burst": 3}, "/limits/0/burst", "burst"),
        ({"id": "a", "limit": 5, "window": ["60s"]}, "/limits/0/window", "60s"),
        ("a", "/limits/0", "object"),
    ],
)
def test_a_wrong_value_is_named_with_its_pointer(entry, pointer, words):
    with pytest.raises(Invalid) as caught:
        parse_limits([entry])
    (error,) = caught.value.errors
    assert error["pointer"] == pointer
    assert words in error["detail"]


def test_windows_are_times_or_days_and_months_of_a_zone():
    entries = [
        {"id": "a", "limit": 5, "window": "15m", "algo": "sliding_window", "by": "team"},
        {"id": "b", "limit": 5, "window": "1h", "algo": "token_bucket", "by": "key"},
        {"id": "c", "limit": 5, "window": "month", "time_zone": "Europe/Zurich", "unit": "nano_usd"},
    ]
    quarter, bucket, month = parse_limits(entries)
    assert (quarter.window_seconds, quarter.algorithm, quarter.by) == (900, "sliding_window", "team")
    assert (bucket.window_seconds, bucket.algorithm) == (3600, "token_bucket")
    assert (month.calendar, month.time_zone, month.window_seconds) == ("month", "Europe/Zurich", 31 * 86_400)


def test_a_concurrent_limit_may_let_calls_wait():
    entry = {"id": "slots", "unit": "concurrent", "limit": 5, "queue_size": 50, "queue_timeout_ms": 500, "priority": 9}
    (limit,) = parse_limits([entry])
    assert (limit.unit, limit.queue_size, limit.queue_seconds, limit.priority) == ("concurrent", 50, 0.5, 9)


def test_an_id_stands_once():
    entry = {"id": "a", "limit": 5, "window": "60s"}
    with pytest.raises(Invalid, match="twice"):
        parse_limits([entry, entry])


@pytest.mark.parametrize("value", [None, {}, "x", [{}] * 11])
def test_what_is_no_short_list_is_refused(value):
    with pytest.raises(Invalid):
        parse_limits(value)
