"""Redacted frames to sealed packets."""
