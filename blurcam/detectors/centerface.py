"""CenterFace (Xu et al., 2019, arXiv 1911.03599): the default detector.

Trained on WIDER FACE; MIT. Sees faces from about 12 px at native scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blurcam.detection import Detection, merge
from blurcam.detectors.openvino import Network, Outputs, Pending
from blurcam.errors import DetectorError
from blurcam.views import View

# Two false boxes a picture on WIDER FACE's crowded scenes, and the most recall that can be had
# for them: a missed face is the failure, a blurred lamp is not.
DEFAULT_THRESHOLD = 0.25
_STRIDE = 4
_HEAT, _SCALE, _OFFSET = "537", "538", "539"


class CenterFace:
    """Finds faces as the peaks of a heat map, a quarter of the picture's size."""

    name = "centerface"
    smallest_face = 12

    def __init__(self, network: Network, threshold: float) -> None:
        """Use :func:`open_centerface`."""
        self._network = network
        self.threshold = threshold

    def start(self, views: Sequence[View]) -> CenterFaceAnswer:
        """Begin to search a frame; views of one size go through the network together."""
        by_shape: dict[tuple[int, ...], list[View]] = {}
        for view in views:
            by_shape.setdefault(view.picture.shape, []).append(view)
        started = tuple(
            (tuple(group), self._network.start([view.picture for view in group]))
            for group in by_shape.values()
        )
        return CenterFaceAnswer(started, self.threshold)

    def close(self) -> None:
        """Release the network."""
        self._network.close()


@dataclass(frozen=True, slots=True)
class CenterFaceAnswer:
    """A search of one frame, under way."""

    started: tuple[tuple[tuple[View, ...], Pending], ...]
    threshold: float

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces; see :class:`blurcam.detection.Answer`."""
        found: list[Detection] = []
        for views, pending in self.started:
            outputs = pending.wait(timeout)
            for number, view in enumerate(views):
                found += _decode(outputs, number, view, self.threshold)
        return merge(found)


def _decode(outputs: Outputs, number: int, view: View, threshold: float) -> list[Detection]:
    """Turn the maps into boxes, as the paper's section 3 defines them."""
    try:
        heat, scale, offset = (outputs[name][number] for name in (_HEAT, _SCALE, _OFFSET))
    except (KeyError, IndexError) as exc:
        raise DetectorError(f"centerface: outputs are {sorted(outputs)}") from exc
    rows, columns = np.nonzero(heat[0] >= threshold)
    high, wide = np.exp(scale[:, rows, columns]) * _STRIDE
    centre_y = (rows + offset[0, rows, columns] + 0.5) * _STRIDE
    centre_x = (columns + offset[1, rows, columns] + 0.5) * _STRIDE
    edges = np.stack(
        (centre_x - wide / 2, centre_y - high / 2, centre_x + wide / 2, centre_y + high / 2), 1
    )
    if not np.isfinite(edges).all():
        raise DetectorError("centerface: answered with boxes that are not finite")
    confidences = heat[0, rows, columns]
    return [
        Detection(view.box(*map(float, edge)), min(1.0, float(confidence)))
        for edge, confidence in zip(edges, confidences, strict=True)
    ]


def open_centerface(
    weights: bytes, *, threshold: float = DEFAULT_THRESHOLD, device: str = "CPU"
) -> CenterFace:
    """Return the detector, made of weights whose SHA-256 was checked."""
    return CenterFace(Network("centerface", weights, device, takes_rgb=True), threshold)
