"""A person at a browser: counts the screens they see and the clicks they make, keeps a picture of each screen."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Playwright

SHOTS = Path(__file__).parents[2] / "test-output" / "journey"


def open_browser(playwright: Playwright) -> Browser:
    """Start the machine's Chromium without its calls home."""
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=[
            "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync",
        ],
    )  # fmt: skip


@dataclass
class Person:
    """One signed-in person; `complaints` are console errors and refusals of the content policy."""

    page: Page
    console: str
    complaints: list[str] = field(default_factory=list)
    clicks: int = 0
    screens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(15_000)
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(f"{self.page.url}: {m.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def open(self, path: str) -> None:
        """Go to an address, as a link or a bookmark would."""
        self.page.goto(f"{self.console}{path}")
        self.see()

    def see(self) -> None:
        """Count a new screen and keep its picture."""
        path = self.page.url.removeprefix(self.console).split("?")[0]
        if not self.screens or self.screens[-1] != path:
            self.screens.append(path)
        SHOTS.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "home"
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def click(self, name: str, *, role: str = "button", within: Locator | None = None) -> None:
        """Click what is called so, and wait for what follows."""
        target = (within or self.page).get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
        target.first.click()
        self.clicks += 1
        self.page.wait_for_load_state("load")
        self.see()

    def fill(self, label: str, value: str) -> None:
        """Type into a field; typing is free."""
        self.page.get_by_label(label, exact=True).first.fill(value)

    def sign_in(self, username: str, password: str) -> None:
        """Sign in from the sign-in page."""
        self.open("/login")
        self.page.locator("[name=login]").fill(username)
        self.page.locator("[name=password]").fill(password)
        self.click("Sign in")
        self.page.wait_for_url(lambda url: "/login" not in url)
        self.see()

    @contextmanager
    def budget(self, *, screens: int, clicks: int) -> Iterator[None]:
        """Fail when the flow inside takes more screens or clicks than it may."""
        self.clicks, self.screens = 0, []
        yield
        assert self.clicks <= clicks, f"{self.clicks} clicks, {clicks} are the budget"
        assert len(self.screens) <= screens, f"screens {self.screens}, {screens} are the budget"
