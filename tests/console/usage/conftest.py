"""The ledger's fixtures for the pages that show it."""

from tests.usage.conftest import call_between, roll_up, rows, ship, shop, version

__all__ = ["call_between", "roll_up", "rows", "ship", "shop", "version"]
