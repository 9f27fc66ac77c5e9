"""A page with two cameras, with a token and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blurcam.settings.web import Web
from tests.support.boards import TOKEN, FedBoard, live, serving, still


@pytest.fixture
def board() -> FedBoard:
    made = FedBoard(live("door"), live("yard"))
    made.stills["door"] = still()
    return made


@pytest.fixture
def page(board: FedBoard) -> Iterator[str]:
    """The page without a token."""
    with serving(board) as server:
        yield server.url.rstrip("/")


@pytest.fixture
def locked(board: FedBoard) -> Iterator[str]:
    """The page with a token."""
    with serving(board, Web(port=0, token=TOKEN)) as server:
        yield server.url.rstrip("/")
