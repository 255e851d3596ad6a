"""A real OpenID provider (npm oidc-provider, by its lock) as a process on loopback, and a way through its pages."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from django.test import Client

from tests.packages import bring

ROOT = Path(__file__).parents[2]
LOCKED = ROOT / "tests" / "identity"
SECRET = "a secret of the tests: 40 characters long"
CLIENT = {
    "client_id": "gatehouse", "client_secret": SECRET, "redirect_uris": ["http://127.0.0.1:8000/replaced"],
    "scope": "openid profile email groups",
}  # fmt: skip


class RealProvider:
    """The process; `people` are the claims by the name they sign in with."""

    def __init__(self, folder: Path, port: int) -> None:
        self.people_file = folder / "people.json"
        self.issuer = f"http://127.0.0.1:{port}"
        self.port = port
        self.process: subprocess.Popen[str] | None = None
        self.knows({})

    def knows(self, people: dict[str, dict]) -> None:
        self.people_file.write_text(json.dumps(people))

    def start(self, package: Path, callback: str) -> None:
        clients = [CLIENT | {"redirect_uris": [callback]}]
        env = {
            "PATH": os.environ["PATH"], "PORT": str(self.port), "PEOPLE": str(self.people_file),
            "CLIENTS": json.dumps(clients), "OIDC_PROVIDER": str(package),
        }  # fmt: skip
        command = ["node", str(LOCKED / "provider.mjs")]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.strip() == "ready":
                return
        raise RuntimeError("the OpenID provider did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture(scope="session")
def package() -> Path:
    """Bring the provider by its lock; return its module."""
    return bring(LOCKED) / "oidc-provider" / "lib" / "index.js"


CALLBACK_ID = "idp_fortheprocessoftests"


@pytest.fixture(scope="session")
def process(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    from django.conf import settings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    real = RealProvider(tmp_path_factory.mktemp("identity"), port)
    real.start(package, f"{settings.GATEHOUSE_CONSOLE_URL}/login/with/{CALLBACK_ID}/back")
    yield real
    real.stop()


@pytest.fixture
def provider(process: RealProvider, admin, settings):
    """The provider as a platform admin has added it."""
    from common.outbound import guard
    from teams.models import SignInProvider
    from teams.services.sign_in_providers import create_provider

    settings.GATEHOUSE_PRIVATE_NETWORKS = "127.0.0.0/8"
    guard.cache_clear()
    row = create_provider(
        actor=admin, name="Acme", issuer=process.issuer, client_id="gatehouse", secret=SECRET,
        scopes="openid profile email groups", allowed_domains=["acme.example"],
    )  # fmt: skip
    # The process knows one redirect address.
    SignInProvider.objects.filter(pk=row.pk).update(public_id=CALLBACK_ID)
    from common.sealed import sealer

    sealed = sealer().seal(SECRET.encode(), context=f"sign_in:{CALLBACK_ID}")
    SignInProvider.objects.filter(pk=row.pk).update(secret=sealed)
    yield SignInProvider.objects.get(pk=row.pk)
    guard.cache_clear()


@pytest.fixture
def walk() -> Callable[..., str]:
    """Go through the provider's own pages as a browser would; return the address it sends people back to."""

    def go(url: str, login: str, browser: httpx.Client | None = None) -> str:
        with browser or httpx.Client(timeout=20) as page:
            answer = page.get(url)
            for _ in range(12):
                if answer.is_redirect:
                    target = urljoin(str(answer.url), answer.headers["location"])
                    if "/login/with/" in target:
                        return target
                    answer = page.get(target)
                    continue
                action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
                assert action, answer.text[:500]
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
                form = {"prompt": prompt, "login": login, "password": "any"}
                answer = page.post(urljoin(str(answer.url), action[1]), data=form)
        raise AssertionError("the provider sends nobody back")

    return go


@pytest.fixture
def sign_in(provider, walk) -> Callable[..., tuple[Client, object]]:
    """Sign in as somebody the provider knows; return the browser and the last answer."""

    def act(login: str, client: Client | None = None, after: str = "/") -> tuple[Client, object]:
        client = client or Client()
        out = client.get(f"/login/with/{provider.public_id}", {"next": after})
        assert out.status_code == 302, out.content.decode()
        back = urlsplit(walk(out["Location"], login))
        return client, client.get(f"{back.path}?{back.query}")

    return act
