"""Moving APIs and applications to other teams: the offer, and its answer."""
