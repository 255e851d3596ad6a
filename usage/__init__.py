"""The ledger of calls, its rollups, cost reports and what is asked of them."""
