"""Three-way merge: nothing of either side is lost, what touches different places goes together by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.design.merge import Dispute, merge_texts

lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "type: string\n", "\n", "x"]), max_size=30)
texts = lines.map("".join)


@given(texts, texts)
def test_who_changed_nothing_takes_what_the_other_did(base, changed):
    assert merge_texts(base, base, changed).text() == changed
    assert merge_texts(base, changed, base).text() == changed
    assert merge_texts(base, changed, changed).text() == changed


@given(texts, texts, texts)
def test_each_side_is_there_whole_when_every_dispute_goes_its_way(base, mine, theirs):
    merge = merge_texts(base, mine, theirs)
    for side, other in (("mine", "theirs"), ("theirs", "mine")):
        # Undo what the other side alone changed, and one's own text is there again.
        text = merge.text([side] * len(merge.disputes))
        if merge.count(other) == 0:
            assert text == {"mine": mine, "theirs": theirs}[side]
    both = merge.text(["both"] * len(merge.disputes))
    for dispute in merge.disputes:
        assert "".join(dispute.mine) in both
        assert "".join(dispute.theirs) in both


BASE = "".join(f"line {n}\n" for n in range(10))


def test_changes_in_different_places_go_together():
    mine = BASE.replace("line 2\n", "line two\n")
    theirs = BASE.replace("line 7\n", "") + "line 10\n"
    merge = merge_texts(BASE, mine, theirs)
    assert merge.disputes == ()
    assert (merge.count("mine"), merge.count("theirs")) == (1, 2)
    assert merge.text() == mine.replace("line 7\n", "") + "line 10\n"


def test_a_place_that_both_changed_is_asked_for():
    mine, theirs = BASE.replace("line 4", "four"), BASE.replace("line 4", "vier").replace("line 8", "acht")
    merge = merge_texts(BASE, mine, theirs)
    assert merge.disputes == (Dispute(("line 4\n",), ("four\n",), ("vier\n",), 5),)
    assert merge.text(["mine"]) == mine.replace("line 8", "acht")
    assert merge.text(["theirs"]) == theirs
    assert "four\nvier\n" in merge.text(["both"])
    with pytest.raises(ValueError, match="1 choices are needed, 0 were given"):
        merge.text()


def test_only_what_differs_is_disputed():
    mine, theirs = (BASE.replace("line 4\n", f"new\n{word}\nend\n") for word in ("one", "two"))
    [dispute] = merge_texts(BASE, mine, theirs).disputes
    assert (dispute.mine, dispute.theirs, dispute.line) == (("one\n",), ("two\n",), 6)


def test_a_line_that_one_deleted_and_the_other_changed_is_disputed():
    merge = merge_texts(BASE, BASE.replace("line 4\n", ""), BASE.replace("line 4", "vier"))
    assert [dispute.mine for dispute in merge.disputes] == [()]


def test_the_last_line_without_a_newline_is_not_glued():
    merge = merge_texts("a\n", "a\nmine", "a\ntheirs")
    assert merge.text(["both"]) == "a\nmine\ntheirs"


def test_without_a_base_what_differs_is_asked_for():
    merge = merge_texts("", "a\nb\nc\n", "a\nx\nc\n")
    assert merge.text(["theirs"]) == "a\nx\nc\n"
    assert len(merge.disputes) == 1
