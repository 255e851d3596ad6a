"""The dependency graph's layout: nothing overlaps or leaves the drawing, and lines cross no more than without it."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from console.catalog.dependency_layout import crossings, lay_out, order


@st.composite
def graphs(draw):
    applications = [f"a{n}" for n in range(draw(st.integers(1, 20)))]
    apis = {f"p{n}": [f"p{n}v{m}" for m in range(draw(st.integers(1, 4)))] for n in range(draw(st.integers(1, 12)))}
    versions = [version for names in apis.values() for version in names]
    edges = draw(st.lists(st.tuples(st.sampled_from(applications), st.sampled_from(versions)), unique=True))
    return applications, apis, edges


def flat(right, apis):
    return [version for key in right for version in apis[key]]


def slowly_counted(left, right, edges):
    places = [(left.index(start), right.index(end)) for start, end in edges]
    return sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(places, 2))


@given(graphs())
def test_crossings_are_those_that_cross(graph):
    applications, apis, edges = graph
    right = flat(apis, apis)
    assert crossings(applications, right, edges) == slowly_counted(applications, right, edges)


@given(graphs())
def test_the_order_keeps_everything_and_crosses_no_more_than_the_one_given(graph):
    applications, apis, edges = graph
    left, right = order(applications, apis, edges)
    assert (sorted(left), sorted(right)) == (sorted(applications), sorted(apis))
    before = crossings(applications, flat(apis, apis), edges)
    assert crossings(left, flat(right, apis), edges) <= before
    assert order(applications, apis, edges) == (left, right)


@given(graphs())
def test_boxes_lie_apart_and_inside_and_versions_inside_their_api(graph):
    applications, apis, edges = graph
    drawn = lay_out(applications, apis, edges)
    boxes = [*drawn.applications.values(), *drawn.apis.values()]
    for box in (*boxes, *drawn.versions.values()):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawn.width
        assert box.y + box.height <= drawn.height
    for one, two in combinations(boxes, 2):
        beside = one.x + one.width <= two.x or two.x + two.width <= one.x
        assert beside or one.y + one.height <= two.y or two.y + two.height <= one.y
    for api, versions in apis.items():
        group = drawn.apis[api]
        tops = [drawn.versions[version].y for version in versions]
        assert tops == sorted(set(tops))
        assert all(group.y <= top and top + 28 <= group.y + group.height for top in tops)


def test_a_ladder_drawn_upside_down_is_put_right():
    applications = [f"a{n}" for n in range(10)]
    apis = {f"p{n}": [f"p{n}v1"] for n in reversed(range(10))}
    edges = [(f"a{n}", f"p{n}v1") for n in range(10)]
    assert crossings(applications, flat(apis, apis), edges) == 45
    left, right = order(applications, apis, edges)
    assert crossings(left, flat(right, apis), edges) == 0


def test_a_line_goes_from_the_application_to_the_version():
    drawn = lay_out(["a"], {"p": ["v1", "v2"]}, [("a", "v2")])
    assert drawn.line("a", "v2").startswith(f"M288 {drawn.applications['a'].middle:g}C")
    assert drawn.line("a", "v2").endswith(f"592 {drawn.versions['v2'].middle:g}")
    x, y = drawn.mark("a", "v2")
    assert 288 < x < 440
    assert drawn.applications["a"].middle < y < drawn.versions["v2"].middle
