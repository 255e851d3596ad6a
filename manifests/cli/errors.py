"""What ends the command line with exit code 1: a sentence for people."""


class CommandError(Exception):
    """Nothing was done, and why."""
