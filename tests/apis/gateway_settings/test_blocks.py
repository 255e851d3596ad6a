from __future__ import annotations

from apis.gateway_settings import find_problems


def test_settings_that_are_no_object_are_told_so():
    assert [item.pointer for item in find_problems(["cors"])] == [""]


def test_a_block_nobody_knows_is_named():
    (problem,) = find_problems({"corz": {}})
    assert problem.pointer == "/corz"
    assert "'corz'" in problem.detail
