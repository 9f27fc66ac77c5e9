"""What must be covered: tracks, `cover()`, zones, regions files."""
