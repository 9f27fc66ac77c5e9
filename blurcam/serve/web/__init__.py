"""The page: live redacted views, health and metrics, over HTTP.

It reads a :class:`~blurcam.runtime.status.Board` and nothing else, so that it never has a frame
that was not redacted.
"""
