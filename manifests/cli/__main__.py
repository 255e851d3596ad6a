"""`python -m manifests.cli` is `gatehouse`, from a checkout."""

from manifests.cli import main

main()
