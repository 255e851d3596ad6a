"""Every form of a changelog record ever written stays loadable: a golden file for each."""

import json
from pathlib import Path

import pytest

from gateway.dataplane.records import KINDS, from_payload, to_payload

GOLDEN = Path(__file__).parents[2] / "golden" / "records"


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.iterdir()))
def test_a_form_once_written_is_read_and_written_again(name):
    payload = json.loads((GOLDEN / f"{name}.json").read_text())
    record = from_payload(name.partition("-")[0], payload)
    again = json.loads(json.dumps(to_payload(record)))
    assert holds(again, payload)


def test_every_kind_has_its_first_form():
    assert {path.stem for path in GOLDEN.glob("*-1.json")} == {f"{kind}-1" for kind in KINDS}


def holds(whole, part):
    """Say whether everything in a JSON value stands in another one; the other may say more."""
    if isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(holds(a, b) for a, b in zip(whole, part, strict=True))
    return whole == part


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_unknown_field_is_ignored(kind):
    payload = json.loads((GOLDEN / f"{kind}-1.json").read_text())
    assert from_payload(kind, {**payload, "of_tomorrow": 1}) == from_payload(kind, payload)


def test_a_newer_format_is_refused_with_its_number():
    with pytest.raises(ValueError, match="format 2"):
        from_payload("alias", {"v": 2, "model": "demo/one"})


def test_a_missing_field_is_named():
    with pytest.raises(ValueError, match="model"):
        from_payload("alias", {"v": 1})
