"""The tabs of the account."""

from __future__ import annotations

from console.pages import Tab


def account_tabs(current: str) -> list[Tab]:
    """Return them, with the current one marked."""
    rows = (
        ("profile", "Profile", "/account"),
        ("security", "Security", "/account/security"),
        ("tokens", "Access tokens", "/account/tokens"),
    )
    return [Tab(title, url, name == current) for name, title, url in rows]
