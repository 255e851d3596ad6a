"""What a browser posts when somebody presses the button of a form without touching its fields."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class _Form(HTMLParser):
    """Collects the successful controls of the last form whose button carries a text."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, list[str]], list[str]]] = []
        self._select = self._area = ""
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.forms.append(({}, []))
        elif not self.forms:
            return
        elif tag == "input" and name:
            kind = given.get("type", "text")
            if kind not in ("checkbox", "radio", "file") or (kind != "file" and "checked" in given):
                self._add(name, given.get("value", "on" if kind == "checkbox" else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self._add(self._select, given.get("value", ""))
        elif tag == "textarea":
            self._area = name
            self._add(name, "")
        elif tag == "button":
            self._in_button = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._area:
            values = self.forms[-1][0][self._area]
            values[-1] += data.removeprefix("\r\n").removeprefix("\n") if not values[-1] else data
        elif self._in_button and self.forms:
            self.forms[-1][1].append(data.strip())

    def _add(self, name: str, value: str) -> None:
        self.forms[-1][0].setdefault(name, []).append(value)


def fields_behind(page: str, button: str) -> dict[str, Any]:
    """Return the fields of the form with a button of that text, as Django's test client takes them."""
    parser = _Form()
    parser.feed(page)
    for fields, buttons in parser.forms:
        if button in buttons:
            return dict(fields)
    raise AssertionError(f"no form with the button {button!r}, only {[buttons for _, buttons in parser.forms]}")
