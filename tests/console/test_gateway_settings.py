from __future__ import annotations

import pytest
from django.forms import ValidationError

from console.workspace.design import SettingsField

field = SettingsField(required=False)


def test_yaml_becomes_a_mapping_and_comes_back_as_yaml():
    assert field.clean("cors:\n  origins: ['*']\n") == {"cors": {"origins": ["*"]}}
    assert field.prepare_value({"cors": {"max_age_seconds": 60}}) == "cors:\n  max_age_seconds: 60\n"


def test_nothing_is_no_settings():
    assert field.clean("") == {}
    assert field.prepare_value({}) == ""


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "a: &x [*x, *y]", "just text", "x: !!python/object:os.system {}"])
def test_what_is_no_mapping_is_refused(text: str):
    with pytest.raises(ValidationError):
        field.clean(text)
