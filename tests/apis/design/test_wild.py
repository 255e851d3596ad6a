"""Documents as people write them: each is read or refused, quickly, with a report that says what and where."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from apis.design.document import parse_document
from apis.design.operations import list_operations
from apis.design.problems import DesignError
from apis.design.validate import validate_document
from apis.diff import compare
from apis.lint import Ruleset, lint_document
from apis.lint.spectral.parse import parse_ruleset
from tests.packages import bring

ROOT = Path(__file__).parents[3]
STYLE_GUIDE = ROOT / "tests" / "apis" / "spectral" / "style_guide.yaml"
LOCKED = ROOT / "tests" / "documents"
GITHUB = "@octokit/openapi/generated/api.github.com.json"
# What a person waits for before they think that it hangs; a document of 12 MB takes a few.
MOST_SECONDS = 120


@pytest.fixture(scope="session")
def packages() -> Path:
    """Bring the packages by their lock."""
    return bring(LOCKED)


def documents(packages: Path) -> list[Path]:
    found = [
        path
        for name in ("@readme/oas-examples", "@scalar/galaxy")
        for path in (packages / name).rglob("*")
        if path.suffix in (".json", ".yaml") and path.name not in ("package.json", "tsconfig.json")
    ]
    return [*sorted(found), packages / GITHUB]


def test_every_document_is_read_or_refused_with_a_report(packages: Path) -> None:
    read = 0
    guide = parse_ruleset(STYLE_GUIDE.read_text()).over(Ruleset())
    refused: list[DesignError] = []
    for path in documents(packages):
        started = time.monotonic()
        try:
            parsed = parse_document(path.read_bytes())
            findings = validate_document(parsed)
        except DesignError as error:
            refused.append(error)
            continue
        read += 1
        assert all(finding.pointer.startswith("/") or not finding.pointer for finding in findings), path
        if parsed.text:
            assert all(finding.line for finding in findings if finding.pointer), path
        assert 0 <= lint_document(parsed.document).score <= 100
        assert 0 <= lint_document(parsed.document, guide).score <= 100
        assert time.monotonic() - started < MOST_SECONDS, path
    assert read > 120
    # Four of them are AsyncAPI, which is refused by name.
    assert ["AsyncAPI" in str(error) for error in refused] == [True] * 4


def test_github_s_own_document_has_all_its_operations_and_does_not_differ_from_itself(packages: Path) -> None:
    parsed = parse_document((packages / GITHUB).read_bytes())
    assert not [finding for finding in validate_document(parsed) if finding.severity == "error"]
    operations = list_operations(parsed.document)
    assert len(operations) > 1000
    assert len({operation.operation_id for operation in operations}) == len(operations)
    assert compare(parsed.document, parsed.document, today=date(2026, 1, 1)) == []


@pytest.mark.slow
def test_the_largest_documents_are_read_too(packages: Path) -> None:
    for path in sorted((packages / "@octokit/openapi/generated").glob("*.json")):
        if path.name.endswith(".deref.json"):
            continue
        parsed = parse_document(path.read_bytes())
        assert len(list_operations(parsed.document)) > 500, path
