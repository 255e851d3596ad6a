"""What is presented of the rollups."""
