"""The page of the box: live redacted views, health and metrics, over HTTP.

It reads a :class:`~blurcam.runtime.status.Board` and nothing else, so that it never holds a picture
that was not redacted.
"""
