"""Pictures as arrays, for programs: arrays in, boxes or arrays out. FFmpeg is not loaded."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from fractions import Fraction
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blurcam.detect.detector import Answered, Finding
from blurcam.errors import ConfigError, DetectorError
from blurcam.media.face import Face
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runs.perception import covered, open_detector
from blurcam.runs.picture import find, for_pictures
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.redaction import Cover, Detect, EffectName
from blurcam.sources.picture import read_bgr
from blurcam.track.zones import zone

Image = NDArray[np.uint8] | str | PathLike[str]
BoxOfFace = tuple[float, float, float, float]


def faces_of(image: Image, detect: Detect) -> list[Face]:
    """Return the faces of a picture; see :func:`blurcam.find_faces`."""
    finding = _found(_frame(image), detect)
    if not isinstance(finding, Answered):
        raise DetectorError("the picture could not be searched, so nothing is known of its faces")
    return [
        Face(box.x0, box.y0, box.x1, box.y1, each.confidence)
        for each in finding.detections
        for box in (each.box,)
    ]


def redacted_image(
    image: Image,
    boxes: Iterable[BoxOfFace] | None,
    effect: EffectName,
    detect: Detect,
    cover: Cover,
) -> NDArray[np.uint8]:
    """Return a picture redacted; see :func:`blurcam.redact_image`."""
    frame = _frame(image)
    if boxes is None:
        ((_, coverage),) = covered([(frame, _found(frame, detect))], cover, FrameCounts())
    else:
        regions = tuple(_region(box, cover.margin) for box in boxes)
        masks = (zone(mask, frame.width, frame.height) for mask in cover.masks)
        coverage = Coverage(frame.seq, regions).plus(masks)
    green, blue, red = redact(frame, coverage, make_effect(effect)).planes
    return np.dstack((blue, green, red)).astype(np.uint8, copy=False)


def _found(frame: Frame, detect: Detect) -> Finding:
    closely = for_pictures(detect)
    with closing(open_detector(closely)) as detector:
        return find(frame, detector, closely)


def _region(box: BoxOfFace, margin: float) -> Region:
    x0, y0, x1, y1 = box
    if not (x0 < x1 and y0 < y1):
        raise ConfigError(f"boxes: {tuple(box)} is no box; give (left, top, right, bottom)")
    return Region(Box.around(x0, y0, x1, y1).grown(margin), Basis.DETECTED)


def _frame(image: Image) -> Frame:
    picture = image if isinstance(image, np.ndarray) else read_bgr(Path(image))
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ConfigError(
            f"image: an array of {picture.shape} {picture.dtype}; blurcam takes uint8 arrays "
            "(rows, columns, 3), channels in the order B, G, R"
        )
    planes = tuple(picture[..., n].copy() for n in (1, 0, 2))
    return Frame(planes, PIXEL_FORMATS["gbrp"], 0, 0, Fraction(1, 25))
