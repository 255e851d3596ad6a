"""The example of docs/limits.md is a plan's limits."""

import json
import re
from pathlib import Path

from apis.limits import parse_limits

TEXT = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()


def test_the_example_is_accepted():
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert [limit.id for limit in parse_limits(json.loads(example))] == ["burst", "day", "spend", "slots"]
