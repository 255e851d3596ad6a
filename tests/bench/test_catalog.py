from __future__ import annotations

from bench.catalog import LARGE, SEARCHES, SMALL, Taken, write


def test_the_table_tells_medians_and_how_they_grew():
    few, many = [Taken(10, 5), Taken(12, 6), Taken(30, 7)], [Taken(20, 10), Taken(24, 9), Taken(90, 11)]
    found = {SMALL: dict.fromkeys(SEARCHES, few), LARGE: dict.fromkeys(SEARCHES, many)}
    found[LARGE]["all"] = [Taken(40, 24), Taken(48, 24), Taken(50, 24)]
    lines = write(found).splitlines()
    assert len(lines) == 2 + len(SEARCHES) + 2
    assert "| all | 12 / 30 | 48 / 50 | 6 / 24 | 4.0 x |" in lines
    assert lines[-1] == "Greatest median at 10,000 APIs: 48 ms passed, 24 ms of CPU."


def test_nine_typical_searches_are_measured():
    assert len(SEARCHES) == 9
    assert len(set(SEARCHES.values())) == 9
