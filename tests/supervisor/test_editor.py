"""The editor bundle in a real browser under the console's content policy."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = pytest.mark.browser

VENDOR = Path(__file__).parents[2] / ".build" / "static" / "vendor"
PAGE = b"""<!doctype html><html lang="en" data-bs-theme="light"><head><title>Editor</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/tabler.min.css"><script src="/editor.js"></script></head><body>
<label for="text">Document</label><textarea id="text">openapi: 3.1.0
paths: {}</textarea><svg width="20" height="20"><use href="/icons.svg#pencil"/></svg></body></html>"""
MOUNT = """() => { window.editor = GatehouseEditor.mountEditor(document.getElementById("text"),
    {language: "yaml", nonce: "n0nce", diagnostics: [{line: 2, message: "paths is empty", severity: "warning"}]}); }"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_page = self.path == "/"
        body = PAGE if is_page else (VENDOR / self.path.removeprefix("/")).read_bytes()
        kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if is_page else kinds[Path(self.path).suffix])
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-n0nce'; img-src 'self' data:",
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        opened = browser.new_page()
        opened.errors = []  # type: ignore[attr-defined]
        opened.on("console", lambda message: opened.errors.append(message.text))  # type: ignore[attr-defined]
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))  # type: ignore[attr-defined]
        opened.goto(address)
        opened.evaluate(MOUNT)
        yield opened
        browser.close()


def test_the_editor_keeps_the_textarea_in_step_and_is_labelled(page: Page) -> None:
    editor = page.get_by_role("textbox", name="Document")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" # end")
    assert page.locator("#text").input_value() == "openapi: 3.1.0\npaths: {} # end"


def test_problems_are_marked_on_their_line(page: Page) -> None:
    assert page.locator(".cm-lintRange-warning").inner_text().startswith("paths: {}")
    assert page.locator(".cm-gutter-lint .cm-lint-marker-warning").count() == 1


def test_its_styles_pass_the_content_policy(page: Page) -> None:
    size = page.locator(".cm-editor").evaluate("node => getComputedStyle(node).fontSize")
    assert size == "13px"
    assert page.errors == []  # type: ignore[attr-defined]
