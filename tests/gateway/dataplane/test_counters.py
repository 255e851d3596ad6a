from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.dataplane.allowance.counters import calendar_bounds


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("calendar", "zone", "now", "start", "middle", "end"),
    [
        ("day", "UTC", "2026-03-01T00:00:00+00:00", "2026-03-01T00Z", "2026-03-02T00Z", "2026-03-03T00Z"),
        ("month", "UTC", "2026-12-31T23:59:59+00:00", "2026-12-01T00Z", "2027-01-01T00Z", "2027-02-01T00Z"),
        ("month", "UTC", "2024-02-29T12:00:00+00:00", "2024-02-01T00Z", "2024-03-01T00Z", "2024-04-01T00Z"),
        # Zurich's clocks go forward on 29 March 2026: that day has 23 hours.
        ("day", "Europe/Zurich", "2026-03-29T10:00:00+02:00", "2026-03-28T23Z", "2026-03-29T22Z", "2026-03-30T22Z"),
        ("month", "Asia/Tokyo", "2026-01-31T23:00:00+09:00", "2025-12-31T15Z", "2026-01-31T15Z", "2026-02-28T15Z"),
    ],
)
def test_a_calendar_window_follows_the_clocks_of_its_zone(calendar, zone, now, start, middle, end):
    found = [datetime.fromtimestamp(moment, UTC) for moment in calendar_bounds(calendar, zone, at(now))]
    assert found == [datetime.fromisoformat(text) for text in (start, middle, middle, end)]
