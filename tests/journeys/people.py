"""People of a journey: a team is made by form, they come by invitation."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.journeys.browser import Person
from tests.journeys.product import Product

PASSWORD = "a long enough word"


def person(browser: Browser, product: Product) -> Person:
    """Return somebody at a browser of their own, not signed in."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True).new_page()
    return Person(page, product.console)


def make_team(owner: Person, name: str, **rules: str) -> None:
    """Create a team; `rules` are values by label, with underscores for blanks."""
    owner.open("/teams/new")
    owner.fill("Name", name)
    for label, value in rules.items():
        owner.fill(label.replace("_", " "), value)
    owner.click("Create team")
    expect(owner.page.get_by_role("heading", name="Next steps")).to_be_visible()


def invited(owner: Person, browser: Browser, product: Product, *, team: str, email: str, role: str) -> Person:
    """Invite somebody to a team, by its name, and let them join it."""
    owner.open(f"/teams/{team.lower().replace(' ', '-')}/members")
    owner.fill("E-mail addresses", email)
    owner.page.locator("form:has([name=emails]) select[name=role]").select_option(role)
    owner.click("Send invitations")
    link = owner.page.locator(".gh-box-success code").first.inner_text()
    someone = person(browser, product)
    someone.page.goto(link)
    someone.fill("Name", email.partition("@")[0].replace(".", " ").title())
    someone.fill("Password", PASSWORD)
    someone.click(f"Join {team}")
    return someone
