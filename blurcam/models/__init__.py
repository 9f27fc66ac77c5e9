"""Model weights: the pins, loading of the pinned bytes only, fetching."""
