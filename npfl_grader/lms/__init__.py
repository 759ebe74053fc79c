"""Learning management systems: what they export and import."""
