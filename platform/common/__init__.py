"""What every app stands on: errors, identifiers, clock, sealing, outbound HTTP, pagination."""
