"""A recording on a server, as a file."""

from __future__ import annotations

import pytest

from blurcam.errors import SourceOpenError
from blurcam.settings.addresses import parse_address
from blurcam.sources.http_file import HttpFile


def test_a_file_that_nobody_answered_for_can_be_closed() -> None:
    """Python 3.13 says so where that fails while the file is collected."""
    with pytest.raises(SourceOpenError, match="cannot be fetched"):
        HttpFile(parse_address("http://127.0.0.1:9/a.mp4"), seconds=1)
    never_opened = HttpFile.__new__(HttpFile)
    never_opened.close()
    assert never_opened.closed
