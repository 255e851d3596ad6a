"""docs/settings.md names every environment variable the code reads, and none that it does not."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\b(GATEHOUSE_[A-Z_]+|DATABASE_URL|REDIS_URL|CHROMIUM|PYTHON)\b")
# Set by one part of the product for another, never by a person.
INTERNAL = {"GATEHOUSE_TEST_STORES", "GATEHOUSE_KEY"}


def read_by_the_code() -> set[str]:
    folders = ("platform", "gateway", "teams", "apis", "providers", "prompts", "usage")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")] + [ROOT / "run"]
    quoted = re.compile(r"""["'$({ ](GATEHOUSE_[A-Z_]+[A-Z]|DATABASE_URL|REDIS_URL)\b""")
    return {name for path in files for name in quoted.findall(path.read_text())} - INTERNAL


def test_every_variable_has_its_line():
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = {match for line in text.splitlines() if line.startswith("| `") for match in NAME.findall(line[:60])}
    missing = read_by_the_code() - documented
    assert not missing
    unknown = {name for name in documented - read_by_the_code() if name not in {"CHROMIUM", "PYTHON"}}
    assert not unknown
