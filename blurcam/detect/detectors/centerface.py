"""CenterFace (Xu et al., 2019, arXiv 1911.03599): the default detector.

Trained on WIDER FACE; MIT. Sees faces from about 12 px at native scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blurcam.detect.detector import Detection, merge
from blurcam.detect.detectors.openvino import Network, Outputs, Pending
from blurcam.detect.sheets import Searchable, tiles
from blurcam.errors import DetectorError

# Confidence below this means nothing: the network's background on WIDER FACE is at 0.02 to 0.08.
SUSPICION = 0.1
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

    def start(self, views: Sequence[Searchable]) -> CenterFaceAnswer:
        """Begin to search a frame.

        Each view is a request of its own, side by side in the network's streams. A batch is no
        faster (on 2 cores 4 sheets of 640 × 512 take the same time), and the network must be
        prepared for each size of batch.
        """
        started = tuple((each, self._network.start([each.picture])) for each in tiles(views))
        return CenterFaceAnswer(started, self.threshold)

    def close(self) -> None:
        """Release the network."""
        self._network.close()


@dataclass(frozen=True, slots=True)
class CenterFaceAnswer:
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
            found += _decode(pending.wait(timeout), view, self.threshold)
        return merge(found)


def _decode(outputs: Outputs, view: Searchable, threshold: float) -> list[Detection]:
    """Turn the maps into boxes, as the paper's section 3 defines them."""
    try:
        heat, scale, offset = (outputs[name][0] for name in (_HEAT, _SCALE, _OFFSET))
    except (KeyError, IndexError) as exc:
        raise DetectorError(f"centerface: outputs are {sorted(outputs)}") from exc
    expected = tuple(-(-side // 32) * 32 // _STRIDE for side in view.picture.shape[:2])
    if not heat.shape[1:] == scale.shape[1:] == offset.shape[1:] == expected:
        raise DetectorError(f"centerface: a map of {heat.shape[1:]} where {expected} was asked for")
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
        Detection(box, min(1.0, float(confidence)))
        for edge, confidence in zip(edges, confidences, strict=True)
        if (box := view.box(*map(float, edge))) is not None
    ]


def open_centerface(
    weights: bytes, *, threshold: float = SUSPICION, device: str = "CPU", soon: bool = False
) -> CenterFace:
    """Return the detector, made of weights whose SHA-256 was checked.

    It answers ``soon``, or else as often as it can.
    """
    return CenterFace(Network("centerface", weights, device, takes_rgb=True, soon=soon), threshold)
