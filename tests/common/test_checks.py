import pytest

from common.checks import check_production


@pytest.fixture
def production(settings):
    settings.GATEHOUSE_MODE = "production"
    settings.GATEHOUSE_DEMO = False
    settings.ALLOWED_HOSTS = ["apis.example.com"]
    settings.GATEHOUSE_CONSOLE_URL = "https://apis.example.com"
    return settings


def test_a_trial_may_be_anything(settings):
    settings.GATEHOUSE_MODE = "development"
    assert check_production() == []


def test_a_proper_production_starts(production):
    assert check_production() == []


@pytest.mark.parametrize(
    ("name", "value", "identity"),
    [
        ("GATEHOUSE_DEMO", True, "common.E001"),
        ("ALLOWED_HOSTS", ["*"], "common.E002"),
        ("GATEHOUSE_CONSOLE_URL", "http://127.0.0.1:8000", "common.E003"),
    ],
)
def test_production_refuses_what_is_for_trials(production, name, value, identity):
    setattr(production, name, value)
    assert [message.id for message in check_production()] == [identity]
