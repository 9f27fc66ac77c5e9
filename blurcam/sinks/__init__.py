"""Sinks: where redacted video goes. No module here ever has a frame that is not redacted."""
