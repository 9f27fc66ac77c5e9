"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.proof.zygote import Pool
from tests.support.program import shared_pool

# A machine that is busy with other tests is no fault of an example.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def pool() -> Pool:
    """Give the processes from which commands are forked."""
    return shared_pool()


# The longest first, so that no worker is left with one of them while the other has nothing to do.
_LONG = (
    "test_camera", "test_scenes", "test_batch_kills", "test_pipe_ends", "test_serve",
    "test_spans", "test_proof", "test_recall", "test_batch", "test_cli", "test_report",
    "test_verify", "test_pipe", "test_segments", "test_serve_page", "test_web",
    "test_irreversible", "test_detectors", "test_page", "test_camera_changes",
    "test_http_cameras", "test_camera_overload", "test_benchmarks", "test_leak_channels",
    "test_rtsp", "test_malformed", "test_power", "test_batch_verify",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules that take longest first; see also ``make test``."""
    order = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
