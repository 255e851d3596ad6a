"""The command line against a server that listens: exit codes, what is printed, files written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from apis.models import ApiVersion
from teams.services.tokens import create_access_token
from tests.manifests.conftest import DOCUMENT, ORDERS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "orders.yaml").write_text(ORDERS)
    (tmp_path / "repo" / "openapi.yaml").write_text(DOCUMENT)
    return tmp_path


@pytest.fixture
def gatehouse(live_server, owner, folder):
    _, token = create_access_token(user=owner, name="ci")

    def run(*arguments, token=token, **environ):
        env = {
            "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            "GATEHOUSE_URL": live_server.url, "GATEHOUSE_TOKEN": token, **environ,
        }  # fmt: skip
        command = [sys.executable, "-m", "manifests.cli", *arguments]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_plan_apply_and_again(gatehouse, folder):
    planned = gatehouse("apply", "-f", "repo", "--dry-run")
    assert planned.returncode == 2, planned.stderr
    assert "+ create   ApiVersion payments/orders/v1" in planned.stdout
    assert "5 to create." in planned.stdout
    assert not ApiVersion.objects.filter(api__slug="orders").exists()
    hash_of_plan = planned.stdout.rstrip().rpartition(" ")[2]
    done = gatehouse("apply", "-f", "repo", "--plan", hash_of_plan, "--source", "payments-repo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 created." in done.stdout
    assert ApiVersion.objects.get(api__slug="orders").state == "published"
    again = gatehouse("plan", "-f", "repo", "--output", "json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["summary"]["none"] == 5
    stale = gatehouse("apply", "-f", "repo", "--plan", hash_of_plan)
    assert stale.returncode == 1
    assert "Plan again, then apply" in stale.stderr


def test_what_is_wrong_is_named_by_file_and_line(gatehouse, folder):
    (folder / "repo" / "orders.yaml").write_text(ORDERS.replace("visibility: everyone", "visibility: everybody"))
    wrong = gatehouse("validate", "-f", "repo")
    assert wrong.returncode == 1
    assert 'repo/orders.yaml:8: visibility: "everybody" is not one of' in wrong.stderr
    assert "(/spec/visibility)" in wrong.stderr
    (folder / "repo" / "orders.yaml").write_text(ORDERS)
    assert gatehouse("validate", "-f", "repo").stdout == "5 manifests, right in form.\n"
    (folder / "repo" / "openapi.yaml").unlink()
    missing = gatehouse("validate", "-f", "repo")
    assert "repo/openapi.yaml cannot be read (repo/orders.yaml names it)" in missing.stderr


def test_a_refused_apply_does_nothing_and_says_so(gatehouse, folder):
    (folder / "repo" / "orders.yaml").write_text(ORDERS.replace("plan: gold", "plan: silver"))
    refused = gatehouse("apply", "-f", "repo")
    assert refused.returncode == 1
    assert (
        "repo/orders.yaml:34: Orders has no plan 'silver'. Open to subscriptions: gold. (/spec/plan)" in refused.stdout
    )
    assert "Nothing was done" in refused.stderr
    assert not ApiVersion.objects.filter(api__slug="orders").exists()
    rest = gatehouse("apply", "-f", "repo", "--keep-going")
    assert rest.returncode == 1
    assert "4 created, 1 refused." in rest.stdout
    assert ApiVersion.objects.get(api__slug="orders").state == "published"


def test_an_export_is_a_folder_that_changes_nothing(gatehouse, folder):
    assert gatehouse("apply", "-f", "repo").returncode == 0
    out = gatehouse("export", "--team", "payments", "-o", "out")
    assert out.returncode == 0, out.stderr
    assert (folder / "out/payments/apis/orders-v1.openapi.yaml").read_text() == DOCUMENT
    assert "file: orders-v1.openapi.yaml" in (folder / "out/payments/apis/orders.yaml").read_text()
    assert "0 of them written" in gatehouse("export", "--team", "payments", "-o", "out").stdout
    plan = gatehouse("plan", "-f", "out")
    assert (plan.returncode, plan.stderr) == (0, "")
    printed = gatehouse("export", "--team", "payments", "--kind", "Api").stdout
    assert printed.startswith("apiVersion: gatehouse/v1\nkind: Api\n")


def test_it_explains_a_missing_token_address_and_argument(gatehouse):
    assert "GATEHOUSE_TOKEN is not set" in gatehouse("plan", "-f", "repo", token="").stderr
    assert "Check GATEHOUSE_TOKEN" in gatehouse("plan", "-f", "repo", token="gh_pat_wrong").stderr
    nowhere = gatehouse("plan", "-f", "repo", GATEHOUSE_URL="http://127.0.0.1:9")
    assert (nowhere.returncode, "does not answer" in nowhere.stderr) == (1, True)
    assert gatehouse("apply").returncode == 1


def test_it_starts_without_django():
    code = "import sys, manifests.cli.command; sys.exit('django' in sys.modules or 'rest_framework' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
