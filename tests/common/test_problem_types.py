"""Each code that a person or a program can see has a page that says how to mend it."""

import re
from pathlib import Path

from common.problem_types import PROBLEM_TYPES
from gateway.dataplane import errors

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'\bcode\s*(?:=|:\s*ClassVar\[str\]\s*=)\s*"([a-z]+(?:-[a-z0-9]+)+)"')


def tree(cls: type) -> list[type]:
    return [cls, *(found for child in cls.__subclasses__() for found in tree(child))]


def test_every_refusal_of_the_gateway_has_its_page():
    codes = {cls.code for cls in tree(errors.GatewayError)}
    assert codes <= set(PROBLEM_TYPES), codes - set(PROBLEM_TYPES)


def test_every_code_of_the_control_plane_has_its_page():
    folders = (
        "platform/common",
        "platform/console",
        "teams",
        "apis",
        "providers",
        "prompts",
        "usage",
        "manifests",
        "gateway/control",
    )
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    codes = {code for path in files for code in CODE.findall(path.read_text())}
    assert codes <= set(PROBLEM_TYPES), codes - set(PROBLEM_TYPES)


def test_a_page_tells_what_it_means_and_what_to_do():
    for known in PROBLEM_TYPES.values():
        assert known.meaning.endswith("."), known.code
        assert known.mend.endswith("."), known.code
        assert 400 <= known.status < 600
