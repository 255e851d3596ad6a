import pytest
from django.core import checks

from apis import ports
from apis.apps import check_ports, ensure_builtin_rows
from apis.models import Api, Environment


def test_filled_ports_pass():
    assert check_ports() == []


@pytest.mark.parametrize("name", ["callers_of", "prompt_of", "prompts_behind", "calls_of_api"])
def test_an_unfilled_port_stops_the_start_and_is_named(monkeypatch, name):
    monkeypatch.setattr(ports, name, None)
    (error,) = check_ports()
    assert (error.id, error.level) == ("apis.E001", checks.ERROR)
    assert name in error.msg


@pytest.mark.django_db
def test_an_unfilled_port_is_never_taken_for_no_callers(monkeypatch, draft):
    from apis.selectors import callers_of

    monkeypatch.setattr(ports, "callers_of", None)
    with pytest.raises(RuntimeError, match=r"apis\.E001"):
        callers_of(draft, 7)


@pytest.mark.django_db
def test_after_a_migration_the_built_in_rows_are_there_once():
    ensure_builtin_rows()
    ensure_builtin_rows()
    assert Api.objects.filter(kind="model").count() == 1
    assert Environment.objects.filter(slug="production").count() == 1
