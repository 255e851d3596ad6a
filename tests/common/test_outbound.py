"""Calls out of the control plane, against a real server on loopback."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common import outbound
from common.errors import Invalid, TooLarge, Unavailable


class Service(BaseHTTPRequestHandler):
    hosts: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.hosts.append(self.headers["host"])
        if self.path == "/slow":
            time.sleep(0.6)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/document")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = b"x" * 4096 if self.path == "/large" else b'{"a": 1}'
        self.send_response(200)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body) + (100 if self.path == "/cut" else 0)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args) -> None:
        pass


@pytest.fixture(scope="module")
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def private(settings):
    """Set which private networks may be called."""

    def allow(networks: str) -> None:
        settings.GATEHOUSE_PRIVATE_NETWORKS = networks
        outbound.guard.cache_clear()

    yield allow
    outbound.guard.cache_clear()


def test_a_document_is_read_with_its_type(service):
    found = outbound.fetch(f"{service}/document", max_bytes=100)
    assert (found.status, found.content, found.content_type) == (200, b'{"a": 1}', "application/json")


def test_the_server_sees_the_name_that_was_called_not_the_address(service):
    outbound.fetch(f"{service}/document", max_bytes=100)
    assert Service.hosts[-1] == service.removeprefix("http://")


def test_a_loopback_address_is_refused_unless_its_network_is_allowed(service, private):
    private("10.0.0.0/8")
    with pytest.raises(Invalid) as refusal:
        outbound.fetch(f"{service}/document", max_bytes=100)
    assert "GATEHOUSE_PRIVATE_NETWORKS" in refusal.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/", "ftp://host/", "http://u:p@host/",
        "http://0x7f.1/", "http://2130706433/", "http:///x", "http://host:99999/", "http://127.0.0.1/" + "a" * 70_000,
    ],
)  # fmt: skip
def test_what_must_not_or_cannot_be_called_is_refused_with_a_sentence(url, private):
    private("0.0.0.0/0,::/0")
    with pytest.raises(Invalid) as refusal:
        outbound.fetch(url, max_bytes=100)
    assert refusal.value.detail.endswith(".")


def test_more_than_the_cap_is_not_read(service):
    with pytest.raises(TooLarge):
        outbound.fetch(f"{service}/large", max_bytes=1000)


def test_a_redirect_is_not_followed(service):
    with pytest.raises(Unavailable, match="302"):
        outbound.fetch(f"{service}/moved", max_bytes=100)


def test_a_slow_server_is_given_up(service):
    with pytest.raises(Unavailable, match=r"within 0\.1 s"):
        outbound.fetch(f"{service}/slow", max_bytes=100, timeout_seconds=0.1)


def test_an_answer_cut_short_is_told_as_such(service):
    with pytest.raises(Unavailable, match="cannot be reached"):
        outbound.fetch(f"{service}/cut", max_bytes=1000, timeout_seconds=2)


def test_nobody_listening_and_no_such_name_are_told_apart():
    with pytest.raises(Unavailable, match="cannot be reached"):
        outbound.fetch("http://127.0.0.1:9/", max_bytes=100)
    with pytest.raises(Unavailable, match="cannot be resolved"):
        outbound.fetch("http://nowhere.invalid/", max_bytes=100)


def test_a_url_is_checked_before_it_is_kept_and_an_unknown_name_may_come_yet():
    outbound.check_url("http://nowhere.invalid/v1")
    with pytest.raises(Invalid):
        outbound.check_url("http://169.254.169.254/")
