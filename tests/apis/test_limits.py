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
        ({"id": "a", "limit": 5, "window": "1h"}, "/limits/0/window", "'1h'"),
        ({"id": "a", "limit": -1, "window": "60s"}, "/limits/0/limit", "-1"),
        ({"id": "a", "limit": True, "window": "60s"}, "/limits/0/limit", "True"),
        ({"id": "a", "limit": "5", "window": "60s"}, "/limits/0/limit", "'5'"),
        ({"id": "A b", "limit": 5, "window": "60s"}, "/limits/0/id", "'A b'"),
        ({"id": "a", "limit": 5, "window": "60s", "algo": "token_bucket"}, "/limits/0/algo", "token_bucket"),
        ({"id": "a", "limit": 5, "window": "60s", "by": "team"}, "/limits/0/by", "team"),
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


def test_an_id_stands_once():
    entry = {"id": "a", "limit": 5, "window": "60s"}
    with pytest.raises(Invalid, match="twice"):
        parse_limits([entry, entry])


@pytest.mark.parametrize("value", [None, {}, "x", [{}] * 11])
def test_what_is_no_short_list_is_refused(value):
    with pytest.raises(Invalid):
        parse_limits(value)
