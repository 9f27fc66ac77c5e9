"""YuNet-n (Wu et al., Machine Intelligence Research 20, 2023): small and fast.

Trained on WIDER FACE; MIT (OpenCV Zoo, March 2023). Sees faces from 10 to 300 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blurcam.detect.detector import Detection, merge
from blurcam.detect.detectors.openvino import Network, Outputs, Pending
from blurcam.detect.sheets import Searchable, tiles
from blurcam.errors import DetectorError

DEFAULT_THRESHOLD = 0.48
_STRIDES = (8, 16, 32)


class YuNet:
    """Finds faces on three grids, one for each size of face."""

    name = "yunet"
    smallest_face = 10

    def __init__(self, network: Network, threshold: float) -> None:
        """Use :func:`open_yunet`."""
        self._network = network
        self.threshold = threshold

    def start(self, views: Sequence[Searchable]) -> YuNetAnswer:
        """Begin to search a frame."""
        started = tuple((each, self._network.start([each.picture])) for each in tiles(views))
        return YuNetAnswer(started, self.threshold)

    def close(self) -> None:
        """Release the network."""
        self._network.close()


@dataclass(frozen=True, slots=True)
class YuNetAnswer:
    """A search of one frame, under way."""

    started: tuple[tuple[Searchable, Pending], ...]
    threshold: float

    @property
    def is_ready(self) -> bool:
        """Whether the network has seen every view."""
        return all(pending.is_ready for _, pending in self.started)

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces; see :class:`blurcam.detect.detector.Answer`."""
        found: list[Detection] = []
        for view, pending in self.started:
            outputs = pending.wait(timeout)
            for stride in _STRIDES:
                found += _decode(outputs, stride, view, self.threshold)
        return merge(found)


def _decode(outputs: Outputs, stride: int, view: Searchable, threshold: float) -> list[Detection]:
    """Turn one grid into boxes; confidence is the geometric mean of class and object scores."""
    try:
        kind, thing, boxes = (outputs[f"{name}_{stride}"][0] for name in ("cls", "obj", "bbox"))
    except (KeyError, IndexError) as exc:
        raise DetectorError(f"yunet: outputs are {sorted(outputs)}") from exc
    down, across = (-(-side // 32) * 32 // stride for side in view.picture.shape[:2])
    if not len(kind) == len(thing) == len(boxes) == down * across:
        raise DetectorError(f"yunet: a grid of {len(kind)} where {down * across} was asked for")
    confidences = np.sqrt(np.clip(kind[:, 0], 0, 1) * np.clip(thing[:, 0], 0, 1))
    chosen = np.nonzero(confidences >= threshold)[0]
    edges = _edges(boxes[chosen], chosen, stride, view)
    if not np.isfinite(edges).all():
        raise DetectorError("yunet: answered with boxes that are not finite")
    return [
        Detection(box, float(confidence))
        for edge, confidence in zip(edges, confidences[chosen], strict=True)
        if (box := view.box(*map(float, edge))) is not None
    ]


def _edges(
    boxes: NDArray[np.float32], cells: NDArray[np.intp], stride: int, view: Searchable
) -> NDArray[np.float32]:
    across = -(-view.picture.shape[1] // 32) * 32 // stride
    rows, columns = np.divmod(cells, across)
    centre_x, centre_y = (columns + boxes[:, 0]) * stride, (rows + boxes[:, 1]) * stride
    wide, high = np.exp(boxes[:, 2]) * stride, np.exp(boxes[:, 3]) * stride
    return np.stack(
        (centre_x - wide / 2, centre_y - high / 2, centre_x + wide / 2, centre_y + high / 2), 1
    ).astype(np.float32)


def open_yunet(
    weights: bytes, *, threshold: float = DEFAULT_THRESHOLD, device: str = "CPU", soon: bool = False
) -> YuNet:
    """Return the detector, made of weights whose SHA-256 was checked.

    It answers ``soon``, or else as often as it can.
    """
    return YuNet(Network("yunet", weights, device, takes_rgb=False, soon=soon), threshold)
