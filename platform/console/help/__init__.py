"""Help: what the words of findings mean."""
