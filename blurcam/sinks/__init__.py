"""Where redacted video goes; no module here has ever seen a frame."""
