"""How long what is kept."""

from __future__ import annotations

# Events and minutes; the SQL function usage_retention_days says the same.
EVENT_DAYS = 35
# After this nobody waits for the end of a call any more.
STALE_HOURS = 24
# Hours. Days are kept for ever.
HOUR_DAYS = 400
