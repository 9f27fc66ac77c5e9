"""The one gate, `redact()`, and what covered areas are filled with."""
