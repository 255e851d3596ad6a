"""`gatehouse`: manifests in files to the REST API and back. It reads files and asks; the server does the planning."""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its exit code."""
    from manifests.cli.command import run

    raise SystemExit(run())
