"""One node per host: reads the changelog, runs the workers, ships the spool."""
