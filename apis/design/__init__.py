"""API documents: read, check, describe and freeze them. Pure: no Django, no I/O, no network."""
