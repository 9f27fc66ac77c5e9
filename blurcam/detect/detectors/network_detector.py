"""A detector that runs one network: each view through the network, its outputs to detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from blurcam.detect.detector import Detection, merge
from blurcam.detect.detectors.openvino import Network, Outputs, Pending
from blurcam.detect.sheets import Searchable, tiles

Decodes = Callable[[Outputs, Searchable, float], list[Detection]]
"""Turns a model's outputs for one view into detections from a threshold on."""


@dataclass(slots=True)
class NetworkDetector:
    """A detector that runs one network; ``decode`` turns its outputs into detections."""

    name: str
    smallest_face: int
    network: Network
    threshold: float
    decode: Decodes

    def start(self, views: Sequence[Searchable]) -> NetworkAnswer:
        """Begin to search a frame.

        Each view is a request of its own, side by side in the network's streams. A batch is no
        faster (on 2 cores 4 sheets of 640 × 512 take the same time), and the network must be
        prepared for each size of batch.
        """
        started = tuple((each, self.network.start([each.picture])) for each in tiles(views))
        return NetworkAnswer(started, self.threshold, self.decode)

    def close(self) -> None:
        """Release the network."""
        self.network.close()


@dataclass(frozen=True, slots=True)
class NetworkAnswer:
    """A search of one frame, under way."""

    started: tuple[tuple[Searchable, Pending], ...]
    threshold: float
    decode: Decodes

    @property
    def is_ready(self) -> bool:
        """Whether the network has seen every view."""
        return all(pending.is_ready for _, pending in self.started)

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces; see :class:`blurcam.detect.detector.Answer`."""
        found: list[Detection] = []
        for view, pending in self.started:
            found += self.decode(pending.wait(timeout), view, self.threshold)
        return merge(found)
