"""CenterFace (Xu et al., 2019, arXiv 1911.03599): the default detector.

Trained on WIDER FACE; MIT. Sees faces from about 12 px at native scale.
"""

from __future__ import annotations

import numpy as np

from blurcam.detect.detector import Detection
from blurcam.detect.detectors.network_detector import NetworkDetector
from blurcam.detect.detectors.openvino import Network, Outputs
from blurcam.detect.sheets import Searchable
from blurcam.errors import DetectorError

# Confidence below this means nothing: the network's background on WIDER FACE is at 0.02 to 0.08.
SUSPICION = 0.1
_STRIDE = 4
_HEAT, _SCALE, _OFFSET = "537", "538", "539"


def decode(outputs: Outputs, view: Searchable, threshold: float) -> list[Detection]:
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
) -> NetworkDetector:
    """Return the detector, made of weights whose SHA-256 was checked.

    It answers ``soon``, or else as often as it can.
    """
    network = Network("centerface", weights, device, takes_rgb=True, soon=soon)
    return NetworkDetector("centerface", 12, network, threshold, decode)
