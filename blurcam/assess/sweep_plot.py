"""The curve of a sweep: recall over needless cover, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from blurcam.errors import ConfigError

if TYPE_CHECKING:
    from blurcam.assess.evaluate import EvaluationReport

_WIDTH, _HEIGHT, _EDGE = 900, 560, 70
_INK: Final = (60, 60, 60)
_CURVE: Final = (160, 90, 20)
_SHIPPED: Final = (40, 40, 200)


def draw(path: Path, reports: Sequence[EvaluationReport]) -> None:
    """Draw covered recall over the share of pixels covered needlessly.

    The first report is the point in force, and is marked.
    """
    points = [(r.measure.over_cover, _recall(r), r.threshold) for r in reports]
    right = max(0.001, *(x for x, _, _ in points)) * 1.05
    low = np.floor(min(y for _, y, _ in points) * 20) / 20
    page = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    _axes(page, right, float(low))

    def spot(x: float, y: float) -> tuple[int, int]:
        across = _EDGE + x / right * (_WIDTH - 2 * _EDGE)
        up = _HEIGHT - _EDGE - (y - low) / (1 - low or 1) * (_HEIGHT - 2 * _EDGE)
        return round(across), round(up)

    curve = sorted(points[1:], key=lambda p: p[2])
    for a, b in pairwise(curve):
        cv2.line(page, spot(*a[:2]), spot(*b[:2]), _CURVE, 2, cv2.LINE_AA)
    for x, y, threshold in curve:
        cv2.circle(page, spot(x, y), 4, _CURVE, -1, cv2.LINE_AA)
        _text(page, f"{threshold:g}", (spot(x, y)[0] + 6, spot(x, y)[1] + 14), _CURVE)
    x, y, threshold = points[0]
    cv2.circle(page, spot(x, y), 8, _SHIPPED, 2, cv2.LINE_AA)
    _text(page, f"in force: {threshold:g}", (spot(x, y)[0] + 12, spot(x, y)[1] - 8), _SHIPPED)
    if not cv2.imwrite(str(path), page):
        raise ConfigError(f"{path}: cannot be written as a picture; end its name in .png")


def _recall(report: EvaluationReport) -> float:
    covered = sum(bucket.covered for bucket in report.measure.buckets)
    return covered / max(1, report.measure.faces)


def _axes(page: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], right: float, low: float) -> None:
    bottom, top, left = _HEIGHT - _EDGE, _EDGE, _EDGE
    cv2.rectangle(page, (left, top), (_WIDTH - _EDGE, bottom), _INK, 1)
    for n in range(6):
        x = left + n * (_WIDTH - 2 * _EDGE) // 5
        y = bottom - n * (bottom - top) // 5
        _text(page, f"{right * n / 5:.2%}", (x - 20, bottom + 20), _INK)
        _text(page, f"{low + (1 - low) * n / 5:.0%}", (left - 50, y + 5), _INK)
    _text(page, "share of pixels covered needlessly", (_WIDTH // 2 - 130, _HEIGHT - 20), _INK)
    _text(page, "labelled faces covered", (left, top - 14), _INK)


def _text(
    page: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int],
) -> None:
    cv2.putText(page, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
