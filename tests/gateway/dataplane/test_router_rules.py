"""The rules of docs/routing.md: each row of its table, and the router against a slow reader of the same rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.errors import GatewayError
from gateway.dataplane.records import OperationRecord, RouteRecord
from gateway.dataplane.router import Router, compile_route, find_operation

TEXT = (Path(__file__).parents[3] / "docs" / "routing.md").read_text()
ROWS = [
    tuple(cell.strip().strip("`") for cell in line.strip("|").split("|"))
    for line in TEXT.splitlines()
    if line.startswith("| `/")
]


def router(*templates: str) -> Router:
    operations = tuple(OperationRecord(template, "GET", template) for template in templates)
    known = {"api_id": "a", "api_name": "Orders", "kind": "rest", "state": "published", "owner_team_id": "t"}
    made = Router()
    made.put(
        "ver", compile_route(RouteRecord("ver", base_path="/pay/orders", version="v1", operations=operations, **known))
    )
    return made


def lead(found: Router, path: str) -> str:
    """Return the template that a path leads to, or the code of its refusal."""
    try:
        route, _, segments = found.find(path)
        operation = find_operation(route, "GET", segments, path)
    except GatewayError as error:
        return error.code
    return operation.operation_id if operation else "none"


TEMPLATES = ("/", "/items", "/items/{id}", "/items/mine", "/items/{id}/parts", "/files/{name}.json")


@pytest.mark.parametrize(("path", "expected"), [row[:2] for row in ROWS])
def test_a_row_of_the_table_is_true(path: str, expected: str):
    assert lead(router(*TEMPLATES), path) == expected


def test_the_table_was_found():
    assert len(ROWS) >= 15


SEGMENT = st.sampled_from(["a", "b", "c", "{x}", "{y}", "{x}.json", "v-{x}"])
PATHS = st.lists(SEGMENT, max_size=4).map(lambda parts: "/" + "/".join(parts))


def slow(templates: list[str], path: str) -> str:
    """Return the best template by comparing all: at the first difference a literal wins, then a mixed segment."""

    def rank(template: str) -> list[int]:
        return [
            0 if "{" not in part else 1 if not part.startswith("{") or not part.endswith("}") else 2
            for part in parts(template)
        ]

    def parts(text: str) -> list[str]:
        return [] if text == "/" else text[1:].split("/")

    def fits(template: str) -> bool:
        pattern = "/".join(re.sub(r"\\\{[a-z]\\\}", "[^/]+", re.escape(part)) for part in parts(template))
        return re.fullmatch(pattern, "/".join(parts(path))) is not None

    fitting = [template for template in templates if fits(template)]
    return min(fitting, key=rank) if fitting else "operation-unknown"


@given(st.lists(PATHS, min_size=1, max_size=8), st.lists(st.sampled_from(["a", "b", "z", "q.json", "v-1"]), max_size=4))
def test_the_router_agrees_with_a_slow_reader(templates: list[str], segments: list[str]):
    # Two templates of one shape are one route: the first keeps it, as in the document.
    shapes = {re.sub(r"\{[a-z]\}", "{}", template): template for template in reversed(templates)}
    kept = list(shapes.values())
    path = "/" + "/".join(segments)
    found = lead(router(*kept), f"/pay/orders/v1{path if segments else ''}")
    expected = slow(kept, path)
    if found != expected and found != "operation-unknown":
        # Two mixed segments at one place are tried in the document's order.
        assert [len(part) for part in found.split("/")] and slow([found], path) == found
        assert "." in expected or "v-" in expected
    else:
        assert found == expected


def test_the_work_does_not_grow_with_the_number_of_routes():
    def steps(apis: int) -> int:
        made = Router()
        known = {"api_id": "a", "api_name": "A", "kind": "rest", "state": "published", "owner_team_id": "t"}
        operations = tuple(OperationRecord(f"o{n}", "GET", f"/items/{{id}}/part{n}") for n in range(10))
        for number in range(apis):
            record = RouteRecord(f"v{number}", version="v1", base_path=f"/t/a{number}", operations=operations, **known)
            made.put(f"v{number}", compile_route(record))
        made._by_base = Counting(made._by_base)
        lead(made, f"/t/a{apis - 1}/v1/items/7/part9")
        return made._by_base.asked

    assert steps(10) == steps(2000)


class Counting(dict):
    """A dictionary that counts how often it is asked."""

    asked = 0

    def get(self, key, default=None):
        self.asked += 1
        return super().get(key, default)
