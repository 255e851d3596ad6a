import pytest

from manifests.cli.show import plan_text
from manifests.differences import FieldChange, differences

MINUTE, DAY = {"id": "minute", "limit": 60}, {"id": "day", "limit": 1000}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ([MINUTE, DAY], [{**MINUTE, "limit": 90}, DAY], [("limits.minute.limit", 60, 90)]),
        ([MINUTE], [MINUTE, DAY], [("limits.day", None, DAY)]),
        ([MINUTE, DAY], [DAY], [("limits.minute", MINUTE, None)]),
        ([MINUTE, DAY], [DAY, MINUTE], [("limits", [MINUTE, DAY], [DAY, MINUTE])]),
        ([MINUTE, MINUTE], [MINUTE], [("limits", [MINUTE, MINUTE], [MINUTE])]),
        ([], [MINUTE], [("limits", [], [MINUTE])]),
    ],
)
def test_a_list_of_objects_with_ids_is_told_field_by_field(old, new, wanted):
    assert differences({"limits": old}, {"limits": new}) == tuple(FieldChange(*change) for change in wanted)


def entry(**more):
    return {
        "kind": "Api", "key": "payments/orders", "action": "none", "changes": [], "notes": [], "waiting": "",
        "impact": None, "contract_changes": [], "refusal": None, **more,
    }  # fmt: skip


def text_of(*entries, **counts):
    summary = {"create": 0, "change": 0, "move": 0, "remove": 0, "none": 0, "refused": 0, "waiting": 0, **counts}
    return plan_text({"entries": entries, "summary": summary, "is_applied": False}, is_coloured=False)


def test_a_plan_names_words_that_come_and_go_and_what_is_alike_once():
    changes = [{"field": "tags", "old": ["a", "b"], "new": ["b", "c"]}, {"field": "summary", "old": "", "new": "x"}]
    kept = entry(notes=["Managed by repo from now on."])
    assert text_of(entry(action="change", changes=changes), kept, kept, change=1, none=2).splitlines() == [
        "~ change   Api payments/orders",
        "      tags: -a +c",
        '      summary: nothing -> "x"',
        "  as it is 2 objects: Managed by repo from now on.",
        *["      Api payments/orders"] * 2,
        "",
        "1 to change, 2 unchanged.",
    ]
