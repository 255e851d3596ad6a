import json

import pytest
from django.core.management import CommandError, call_command

from apis.models import ApiVersion, Subscription
from common.sealed import hash_secret
from gateway.control.changelog import current_generation
from gateway.control.models import Change
from providers.models import Provider
from teams.models import Credential, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(settings, tmp_path):
    settings.GATEHOUSE_HOME = tmp_path
    settings.GATEHOUSE_DEMO = True
    settings.GATEHOUSE_DEMO_UPSTREAM_URL = "http://127.0.0.1:7001"
    settings.GATEHOUSE_DEMO_MODEL_URL = "http://127.0.0.1:7002"
    return settings


def test_the_seed_publishes_both_apis_and_subscribes_one_application(demo, tmp_path):
    call_command("seed_demo")
    published = ApiVersion.objects.filter(state="published").values_list("api__slug", flat=True)
    assert sorted(published) == ["ai", "orders", "translate"]
    assert Subscription.objects.filter(state="active", application__name="Demo application").count() == 3
    kinds = set(Change.objects.values_list("kind", flat=True))
    assert {"route", "upstream", "plan", "subscription", "credential", "provider", "model", "price", "prompt"} <= kinds
    secrets = json.loads((tmp_path / "secrets" / "demo.json").read_text())
    assert (tmp_path / "secrets" / "demo.json").stat().st_mode & 0o777 == 0o600
    assert secrets["api_key"].startswith("gh_live_")
    assert secrets["api_token"].startswith("gh_pat_")
    assert User.objects.get(email=secrets["admin"]["username"]).check_password(secrets["admin"]["password"])


def test_a_second_seed_changes_nothing(demo, tmp_path):
    call_command("seed_demo")
    kept, generation = (tmp_path / "secrets" / "demo.json").read_text(), current_generation()
    call_command("seed_demo")
    assert (tmp_path / "secrets" / "demo.json").read_text() == kept
    assert current_generation() == generation


def test_a_restart_on_other_ports_moves_the_upstreams(demo):
    call_command("seed_demo")
    generation = current_generation()
    demo.GATEHOUSE_DEMO_UPSTREAM_URL = "http://127.0.0.1:7003"
    demo.GATEHOUSE_DEMO_MODEL_URL = "http://127.0.0.1:7004"
    call_command("seed_demo")
    assert Provider.objects.get(slug="demo").base_url == "http://127.0.0.1:7004/v1"
    moved = set(Change.objects.filter(generation__gt=generation).values_list("kind", flat=True))
    assert {"upstream", "provider"} <= moved


def test_the_seed_refuses_to_run_in_production(demo):
    demo.GATEHOUSE_MODE = "production"
    with pytest.raises(CommandError):
        call_command("seed_demo")


def test_a_provider_that_people_moved_stays_where_they_put_it(demo):
    call_command("seed_demo")
    Provider.objects.filter(slug="demo").update(base_url="https://models.example.com/v1")
    demo.GATEHOUSE_DEMO_MODEL_URL = "http://127.0.0.1:7004"
    call_command("seed_demo")
    assert Provider.objects.get(slug="demo").base_url == "https://models.example.com/v1"


def test_the_services_may_stand_under_bare_names_of_a_container_network(demo):
    demo.GATEHOUSE_DEMO_UPSTREAM_URL, demo.GATEHOUSE_DEMO_MODEL_URL = "http://upstream:8090", "http://model:8091"
    call_command("seed_demo")
    assert Provider.objects.get(slug="demo").base_url == "http://model:8091/v1"


def test_a_lost_file_is_made_anew_with_secrets_that_work(demo, tmp_path):
    call_command("seed_demo")
    file = tmp_path / "secrets" / "demo.json"
    old = json.loads(file.read_text())
    file.unlink()
    call_command("seed_demo")
    new = json.loads(file.read_text())
    assert set(new) == set(old)
    assert new["admin"]["password"] != old["admin"]["password"]
    assert User.objects.get(email=new["admin"]["username"]).check_password(new["admin"]["password"])
    assert Credential.objects.filter(key_hash=hash_secret(new["api_key"]), revoked_at=None).exists()


def test_a_seed_that_fails_before_its_file_is_written_leaves_nothing(demo, tmp_path):
    (tmp_path / "secrets").write_text("a file where the folder must be")
    with pytest.raises(OSError):
        call_command("seed_demo")
    assert not User.objects.exists()
    (tmp_path / "secrets").unlink()
    call_command("seed_demo")
    assert User.objects.count() == 2
