import pytest

from apis import lifecycle
from apis.guards import GUARDS
from apis.models import ApiVersion, Revision

ALL = (*lifecycle.VERSION_MOVES, *lifecycle.OVERLAY_MOVES, *lifecycle.REVISION_MOVES)


def test_the_tables_know_exactly_the_states_of_the_rows():
    assert list(lifecycle.VERSION_STATES) == list(ApiVersion.State.values)
    assert list(lifecycle.REVISION_STATES) == list(Revision.State.values)


@pytest.mark.parametrize("table", [lifecycle.VERSION_MOVES, lifecycle.OVERLAY_MOVES])
def test_every_move_of_a_version_joins_two_known_states(table):
    for move in table:
        assert move.source in lifecycle.VERSION_STATES
        assert move.target in lifecycle.VERSION_STATES


def test_every_move_of_a_revision_joins_two_known_states():
    for move in lifecycle.REVISION_MOVES:
        assert move.source in lifecycle.REVISION_STATES
        assert move.target in lifecycle.REVISION_STATES


@pytest.mark.parametrize("move", ALL, ids=lambda move: f"{move.name}-{move.source}")
def test_a_move_names_guards_that_there_are(move):
    assert set(move.guards) <= set(GUARDS)


def test_a_name_and_a_source_give_one_move():
    for table in (lifecycle.VERSION_MOVES, lifecycle.REVISION_MOVES, lifecycle.OVERLAY_MOVES):
        keys = [(move.name, move.source) for move in table]
        assert len(keys) == len(set(keys))


def test_every_guard_is_used_and_has_its_rule_in_words():
    used = {name for move in ALL for name in move.guards}
    assert used == set(GUARDS)
    assert all(guard.rule.endswith(".") for guard in GUARDS.values())


def test_every_state_is_reached_from_draft_and_only_terminal_ones_have_no_way_out():
    for states, moves in (
        (lifecycle.VERSION_STATES, lifecycle.VERSION_MOVES),
        (lifecycle.REVISION_STATES, lifecycle.REVISION_MOVES),
    ):
        reached = {"draft"}
        for _ in states:
            reached |= {move.target for move in moves if move.source in reached}
        assert reached == set(states)
        assert {name for name in states if not any(move.source == name for move in moves)} == {
            state.name for state in states.values() if state.is_terminal
        }


def test_what_is_routed_is_what_the_gateway_can_serve():
    assert lifecycle.ROUTED == ("preview", "published", "deprecated")
    assert lifecycle.LISTED == ("published", "deprecated", "retired")


def test_one_person_walks_from_every_state_before_publication_when_no_approval_is_asked():
    def names(state, approvals):
        return [move.name for move in lifecycle.publication_path(state, approvals)]

    assert names("draft", 0) == ["submit", "approve", "publish"]
    assert names("in_review", 0) == ["approve", "publish"]
    assert names("approved", 0) == names("approved", 2) == ["publish"]
    assert names("draft", 1) == names("in_review", 1) == []
    assert names("preview", 0) == names("preview", 2) == ["publish"]
    for state in ("published", "deprecated", "retired", "archived"):
        assert names(state, 0) == []


def test_the_author_is_no_obstacle_on_a_path_one_person_walks():
    guards = lifecycle.path_guards(lifecycle.publication_path("draft", 0))
    assert "not_author" not in guards
    assert {"document_ready", "upstream_ready", "plan_ready"} <= set(guards)


def test_a_move_asks_for_one_role_from_whatever_state():
    for table in (lifecycle.ALL_VERSION_MOVES, lifecycle.REVISION_MOVES):
        for name in {move.name for move in table}:
            assert len({move.permission for move in table if move.name == name}) == 1
    assert [lifecycle.permission_of(name) for name in ("submit", "publish")] == ["apis.design", "apis.publish"]


def test_a_refusal_names_the_states_the_move_starts_from():
    assert lifecycle.why_not("deprecate", "draft") == "It is draft; this move starts from published."
    assert lifecycle.why_not("block", "draft").endswith("starts from preview or published or deprecated.")
    assert lifecycle.why_not("block", "published") == ""
    assert lifecycle.why_not("fly", "draft") == "There is no move called fly."
    assert lifecycle.why_not("publish", "approved") == ""


def test_an_overlay_lies_over_routed_states_and_is_lifted_where_it_lies():
    for state in lifecycle.VERSION_STATES:
        is_over = state in lifecycle.ROUTED
        assert [move.name for move in lifecycle.overlay_moves(state, is_blocked=False)] == ["block"] * is_over
        assert [move.name for move in lifecycle.overlay_moves(state, is_blocked=True)] == ["lift_block"] * is_over
