"""The page of a review: `redact()` made every frame that it shows, from an edited coverage."""
