"""Extra boxes: a detector's boxes where no face is labelled, judged by eye."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blurcam.assess.labels import NamedRow
from blurcam.errors import ConfigError
from blurcam.media.regions import Box

# A box that overlaps a judged one by this much (IoU) is the same.
_SAME: Final = 0.5
_NOTHING: Final = "none"
_COLUMNS: Final = ("image", "x0", "y0", "x1", "y1", "kind")


@dataclass(frozen=True, slots=True)
class ExtraBox:
    """A judged box; ``kind`` is what it lies on: "none" for nothing, or "face", "head", "art"."""

    box: Box
    kind: str


def read_extra(path: Path) -> dict[str, tuple[ExtraBox, ...]]:
    """Read a CSV headed ``image,x0,y0,x1,y1,kind``; return the boxes of each picture.

    Raises :class:`~blurcam.errors.ConfigError` naming the file and the row.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read: {exc}") from exc
    if tuple(lines[0].replace(" ", "").split(",") if lines else ()) != _COLUMNS:
        raise ConfigError(f"{path}: not judged boxes: CSV headed {','.join(_COLUMNS)}")
    found: dict[str, list[ExtraBox]] = {}
    for number, row in enumerate(csv.DictReader(lines, skipinitialspace=True), 2):
        with NamedRow(path, number):
            box = Box.around(*(float(row[key]) for key in _COLUMNS[1:5]))
            found.setdefault(row["image"], []).append(ExtraBox(box, row["kind"].strip()))
    return {image: tuple(boxes) for image, boxes in found.items()}


def is_on_nothing(box: Box, extra: Sequence[ExtraBox]) -> bool:
    """Whether the box is on nothing: judged so, or never judged."""
    nearest = max(extra, key=lambda each: each.box.iou(box), default=None)
    if nearest is None or nearest.box.iou(box) < _SAME:
        return True
    return nearest.kind == _NOTHING
