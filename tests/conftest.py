"""What all tests share."""

from __future__ import annotations

import pytest

from tests.program import shared_pool
from tests.proof.zygote import Pool


@pytest.fixture(scope="session")
def pool() -> Pool:
    """Give the processes from which commands are forked."""
    return shared_pool()
