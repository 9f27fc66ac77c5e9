"""Model weights: the manifest that pins them, loading the pinned bytes only, fetching them."""
