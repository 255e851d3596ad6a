"""The example of docs/gitops.md is applied; its tables name every kind; the contributing page every part of one."""

import re
from pathlib import Path

import pytest

from manifests.cli import command
from manifests.kinds import KINDS, Kind
from manifests.reading import read_manifests
from manifests.services.applying import Options, apply_manifests
from tests.manifests.conftest import DOCUMENT

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "gitops.md").read_text()


@pytest.mark.django_db
def test_the_example_is_applied_as_it_stands(owner):
    example = next(text for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "apiVersion" in text)
    manifests = read_manifests(files={"orders.yaml": example, "openapi.yaml": DOCUMENT})
    done = apply_manifests(manifests=manifests, actor=owner, options=Options())
    assert done.is_applied, [entry.problems for entry in done.refused]
    assert done.summary["create"] == 5


def test_every_kind_has_its_row_in_order():
    assert re.findall(r"^\| ([A-Z]\w+) \| .*\|.*\|$", TEXT, re.MULTILINE)[1:] == list(KINDS)


def test_the_identity_in_the_table_is_the_kinds():
    for name, kind in KINDS.items():
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| {name} |"))
        for field in kind.identity:
            assert field in row.split("|")[2], (name, field)


def test_exit_codes_and_options_are_the_command_lines():
    assert (command.DONE, command.ERROR, command.PENDING) == (0, 1, 2)
    options = {option for parser in (command._parser(),) for option in re.findall(r"--[a-z-]+", _help(parser))}
    named = set(re.findall(r"--[a-z][a-z-]+", TEXT))
    assert named <= options


def _help(parser) -> str:
    choices = parser._subparsers._group_actions[0].choices
    return "".join(sub.format_help() for sub in choices.values())


def test_a_new_kind_is_described_by_its_parts():
    page = (DOCS / "contributing" / "manifests.md").read_text()
    parts = [name for name in vars(Kind) if not name.startswith("_") and name not in ("schema", "key")]
    assert [
        name
        for name in parts
        if name not in page and name not in ("needs", "write_out", "optional", "required", "is_exported")
    ] == []
