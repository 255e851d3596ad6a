"""The examples of docs/gateway-settings.md are settings that are accepted."""

import re
from pathlib import Path

import pytest
import yaml

from apis.gateway_settings import BLOCKS, find_problems

TEXT = (Path(__file__).parents[2] / "docs" / "gateway-settings.md").read_text()
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: ",".join(example))
def test_an_example_is_accepted(example):
    assert find_problems(example) == []


def test_every_block_has_an_example():
    assert {name for example in EXAMPLES for name in example} == set(BLOCKS)
