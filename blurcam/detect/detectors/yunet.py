"""YuNet-n (Wu et al., Machine Intelligence Research 20, 2023): small and fast.

Trained on WIDER FACE; MIT (OpenCV Zoo, March 2023). Sees faces from 10 to 300 px.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blurcam.detect.detector import Detection
from blurcam.detect.detectors.network_detector import NetworkDetector
from blurcam.detect.detectors.openvino import Network, Outputs
from blurcam.detect.sheets import Searchable
from blurcam.errors import DetectorError

DEFAULT_THRESHOLD = 0.48
_STRIDES = (8, 16, 32)


def decode(outputs: Outputs, view: Searchable, threshold: float) -> list[Detection]:
    """Turn the three grids into boxes."""
    return [each for stride in _STRIDES for each in _decode_grid(outputs, stride, view, threshold)]


def _decode_grid(
    outputs: Outputs, stride: int, view: Searchable, threshold: float
) -> list[Detection]:
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
) -> NetworkDetector:
    """Return the detector, made of weights whose SHA-256 was checked.

    It answers ``soon``, or else as often as it can.
    """
    network = Network("yunet", weights, device, takes_rgb=False, soon=soon)
    return NetworkDetector("yunet", 10, network, threshold, decode)
