"""One page per move of a version: who is hit, what clients will see, the way back, one button."""
